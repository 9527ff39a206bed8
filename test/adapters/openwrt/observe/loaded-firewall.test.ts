import { expect, test } from 'vitest'
import { isLoaded, missingRules, parseRules } from '../../../../adapters/openwrt/observe/loaded-firewall.ts'
import { tunnelInclude } from '../../../../adapters/openwrt/include/include.ts'
import { firewallSections } from '../../../../adapters/openwrt/include/firewall-sections.ts'
import { homeForwarding } from '../../forwarding.ts'

const TUNNEL = {
  interface: 'hw0',
  address: '10.86.0.2',
  network: '10.86.0.0/16',
  visitorSlot: 0,
  forwarding: homeForwarding({ lan: ['192.168.1.0/24', '192.168.7.1/32'], mode: 'masquerade' }),
}
const sections = firewallSections(TUNNEL, [])

/** Chains of ours come back as they were written, with their priority's name and all in other words. */
const INCLUDED = tunnelInclude(TUNNEL)
  .text.split('\n')
  .filter((line) => !line.startsWith('#') && !line.startsWith('\ttype '))
  .map((line) => `\t${line}`)
  .join('\n')

/** As `nft list table inet fw4` prints what fw4 makes of them, without what is others'. */
const LISTED = `	chain input {
		iifname "hw0" jump input_hw0 comment "!fw4: Handle hw0 IPv4/IPv6 input traffic"
	}
	chain forward {
		ip saddr 192.168.1.0/24 counter packets 0 bytes 0 jump accept_to_hw0 comment "!fw4: homeward hw0: from the LAN"
		ip saddr 192.168.7.1 counter packets 0 bytes 0 jump accept_to_hw0 comment "!fw4: homeward hw0: from the LAN"
		iifname "hw0" jump forward_hw0 comment "!fw4: Handle hw0 IPv4/IPv6 forward traffic"
	}
	chain output {
		oifname "hw0" jump output_hw0 comment "!fw4: Handle hw0 IPv4/IPv6 output traffic"
	}
	chain input_hw0 {
		meta nfproto ipv4 meta l4proto icmp counter packets 0 bytes 0 accept comment "!fw4: homeward hw0: ICMP to the router"
		jump reject_from_hw0
	}
	chain output_hw0 {
		jump accept_to_hw0
	}
	chain forward_hw0 {
		ip daddr { 192.168.1.0/24, 192.168.7.1 } counter packets 2 bytes 168 accept comment "!fw4: homeward hw0: into the LAN"
		jump reject_to_hw0
	}
	chain reject_from_hw0 {
		iifname "hw0" counter packets 0 bytes 0 jump handle_reject comment "!fw4: reject hw0 IPv4/IPv6 traffic"
	}
	chain accept_to_hw0 {
		meta nfproto ipv4 oifname "hw0" ct state invalid counter packets 0 bytes 0 drop comment "!fw4: Prevent NAT leakage"
		oifname "hw0" counter packets 0 bytes 0 accept comment "!fw4: accept hw0 IPv4/IPv6 traffic"
	}
	chain reject_to_hw0 {
		oifname "hw0" counter packets 0 bytes 0 jump handle_reject comment "!fw4: reject hw0 IPv4/IPv6 traffic"
	}
	chain srcnat {
		ip saddr 10.86.0.0/16 ip daddr 192.168.1.0/24 counter packets 0 bytes 0 masquerade comment "!fw4: homeward hw0: LAN hosts see the router"
		ip saddr 10.86.0.0/16 ip daddr 192.168.7.1 counter packets 0 bytes 0 masquerade comment "!fw4: homeward hw0: LAN hosts see the router"
		oifname "hw0" jump srcnat_hw0 comment "!fw4: Handle hw0 IPv4/IPv6 srcnat traffic"
	}
	chain srcnat_hw0 {
		meta nfproto ipv4 masquerade comment "!fw4: Masquerade IPv4 hw0 traffic"
	}
	chain mangle_postrouting {
		oifname "hw0" tcp flags & (fin | syn | rst) == syn tcp option maxseg size set rt mtu comment "!fw4: Zone hw0 IPv4/IPv6 egress MTU fixing"
	}
	chain mangle_forward {
		iifname "hw0" tcp flags & (fin | syn | rst) == syn tcp option maxseg size set rt mtu comment "!fw4: Zone hw0 IPv4/IPv6 ingress MTU fixing"
	}
${INCLUDED}
`

test('a loaded firewall lacks nothing of what is configured', () => {
  expect(missingRules('hw0', sections, parseRules(LISTED))).toEqual([])
})

test('each single rule that is gone is missed, jumps and verdicts too', () => {
  const lines = LISTED.split('\n')
  const isRule = (line: string): boolean =>
    /jump|accept|drop|masquerade|maxseg/.test(line) && !/chain |leakage/.test(line)
  const rules = lines.flatMap((line, index) => (isRule(line) ? [index] : []))
  const unmissed = rules.filter((index) => isLoaded('hw0', sections, parseRules(lines.toSpliced(index, 1).join('\n'))))
  expect(rules).toHaveLength(22)
  expect(unmissed.map((index) => lines[index])).toEqual([])
})

test('a rule for other prefixes is none of ours; prefixes that nft joins are', () => {
  const changed = LISTED.replace('ip daddr { 192.168.1.0/24,', 'ip daddr { 192.168.2.0/24,')
  expect(missingRules('hw0', sections, parseRules(changed))).toEqual(['homeward_hw0_in in forward_hw0'])
  const halves = firewallSections(
    { ...TUNNEL, forwarding: homeForwarding({ lan: ['10.0.0.0/25', '10.0.0.128/25'], mode: 'routed' }) },
    [],
  ).filter(({ name }) => name === 'homeward_hw0_in')
  const joined = LISTED.replace(/ip daddr \{[^}]*\}/, 'ip daddr 10.0.0.0/24')
  expect(missingRules('hw0', halves, parseRules(joined))).toEqual([])
})

test('rules of a file that was another are none of those that are wanted', () => {
  const other = firewallSections({ ...TUNNEL, address: '10.86.0.3' }, [])
  expect(missingRules('hw0', other, parseRules(LISTED))).toEqual(['homeward_hw0_include in homeward_hw0_*'])
})

test('a rule for what is no private network is known by its prefixes', () => {
  const exits = firewallSections(
    { ...TUNNEL, forwarding: homeForwarding({ lan: [], mode: 'routed', exit: true }) },
    [],
  ).filter(({ name }) => name === 'homeward_hw0_exit')
  const listed = (not: string): string =>
    `chain forward_hw0 {\nip saddr 10.86.0.0/16 ip daddr ${not} { 0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 168.63.129.16, 169.254.0.0/16, 172.16.0.0/12, 192.0.0.0/24, 192.168.0.0/16, 224.0.0.0/3 } counter packets 0 bytes 0 accept comment "!fw4: homeward hw0: to the internet"\n}`
  expect(missingRules('hw0', exits, parseRules(listed('!=')))).toEqual([])
  expect(missingRules('hw0', exits, parseRules(listed('!=').replace('192.0.0.0/24, ', '')))).not.toEqual([])
  expect(missingRules('hw0', exits, parseRules(listed('')))).not.toEqual([])
})

test('nothing is loaded where there is no table, and a tunnel without sections lacks nothing', () => {
  expect(isLoaded('hw0', sections, parseRules(''))).toBe(false)
  expect(isLoaded('hw1', sections, parseRules(''))).toBe(true)
})
