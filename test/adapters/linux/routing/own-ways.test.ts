import { describe, expect, test } from 'vitest'
import { planLinux } from '../../../../adapters/linux/plan.ts'
import { diversionOf, mayBeDiverted, mayHaveChanged } from '../../../../adapters/linux/routing/diversion.ts'
import { ownWayCommands, ownWays, wantedWays } from '../../../../adapters/linux/routing/own-ways.ts'
import type { TunnelSpec } from '../../../../adapters/spec.ts'
import { homeForwarding, hubForwarding } from '../../forwarding.ts'
import { UNTOUCHED } from '../../untouched.ts'
import { KEYS } from '../any-tunnel.ts'

/** As iproute2 6.1.0 prints them. */
const rulesOf = (...more: readonly object[]): string =>
  JSON.stringify([
    { priority: 0, src: 'all', table: 'local', protocol: 'kernel' },
    ...more,
    { priority: 32_766, src: 'all', table: 'main', protocol: 'kernel' },
    { priority: 32_767, src: 'all', table: 'default', protocol: 'kernel' },
  ])
const WG_QUICK = [
  { priority: 8598, src: 'all', table: 'main', suppress_prefixlen: 0, protocol: 'unspec' },
  { priority: 8599, not: null, src: 'all', fwmark: '0xca6c', table: '51820', protocol: 'unspec' },
]
const TAILSCALE = [
  { priority: 5210, src: 'all', fwmark: '0x80000', fwmask: '0xff0000', table: 'main', protocol: 'unspec' },
  { priority: 5270, src: 'all', table: '52', protocol: 'unspec' },
]
const BY_SOURCE = { priority: 200, src: '203.0.113.20', table: '200', protocol: 'unspec' }
const VPN_ROUTE = '[{"dst":"default","dev":"vpn0","table":"51820","scope":"link","flags":[]}]'
const MAIN_ROUTE = '[{"dst":"default","gateway":"203.0.113.1","dev":"eth0","flags":[]}]'

/** @param six the same in IPv6. */
const diverted = (
  rules: readonly object[],
  toStranger: string | null,
  six: { readonly rules: readonly object[]; readonly toStranger: string } | null = null,
) => {
  const ipv4 = { rules: rulesOf(...rules), toStranger, defaults: MAIN_ROUTE }
  const ipv6 = six === null ? null : { ...ipv4, rules: rulesOf(...six.rules), toStranger: six.toStranger }
  const addresses = { ipv4: ['203.0.113.10'], ipv6: ['2001:db8::10'] }
  return diversionOf({ ipv4, ipv6 }, (name, family) => (name === 'eth0' ? addresses[family] : []))
}
/** As on a machine whose VPN takes both families. */
const DIVERTED = diverted(WG_QUICK, VPN_ROUTE, { rules: WG_QUICK, toStranger: VPN_ROUTE })

describe('what others’ rules take', () => {
  test.each([
    ['a full-tunnel VPN: all but what main has routes for', WG_QUICK, VPN_ROUTE, null, 'ip rule 8599'],
    ['a VPN’s rule for everything', [{ ...WG_QUICK[1], priority: 100 }], VPN_ROUTE, 'ip rule 100', 'ip rule 100'],
    ['Tailscale without an exit node: its own table’s networks', TAILSCALE, MAIN_ROUTE, 'ip rule 5270', null],
    [
      'Tailscale with an exit node',
      TAILSCALE,
      '[{"dst":"default","dev":"tailscale0","table":"52"}]',
      'ip rule 5270',
      'ip rule 5270',
    ],
    ['nothing that can be told, without any route', WG_QUICK, null, null, null],
  ] as const)('%s', (_, rules, route, specific, internet) => {
    const inIpv4 = { specific, internet: { ipv4: internet, ipv6: null }, addresses: ['203.0.113.10'] }
    expect(diverted(rules, route)).toEqual(inIpv4)
  })

  test('in IPv6, where only the way to the other end is in question', () => {
    const six = { rules: [{ ...WG_QUICK[1], priority: 100 }], toStranger: VPN_ROUTE }
    expect(diverted([], MAIN_ROUTE, six)).toEqual({
      specific: null,
      internet: { ipv4: null, ipv6: 'ip rule 100' },
      addresses: ['203.0.113.10', '2001:db8::10'],
    })
  })

  test('is read again in IPv6 while rules of ours stand there, or another table than main decides', () => {
    const main = '[{"type":"unicast","dst":"default","dev":"eth0","table":"main"}]'
    expect(mayHaveChanged(rulesOf(...WG_QUICK), main)).toBe(false)
    expect(mayHaveChanged(rulesOf(), null)).toBe(false)
    expect(mayHaveChanged(rulesOf(), VPN_ROUTE)).toBe(true)
    expect(mayHaveChanged(rulesOf({ priority: 4300, dst: '2001:db8::7', table: 'main', protocol: '86' }), main)).toBe(
      true,
    )
  })

  test('is asked for only where a rule may take everything', () => {
    expect(mayBeDiverted(rulesOf())).toBe(false)
    expect(mayBeDiverted(rulesOf(BY_SOURCE, TAILSCALE[0]!))).toBe(false)
    expect(mayBeDiverted(rulesOf({ ...WG_QUICK[1], uid_range: '1000-1000' }))).toBe(false)
    expect(mayBeDiverted(rulesOf(...TAILSCALE))).toBe(true)
  })
})

const base = { interface: 'hw0', publicKey: null, mtu: 1420, peers: [], routes: [] } as const
const HUB: TunnelSpec = {
  ...base,
  address: '10.86.0.1/16',
  listenPort: 51_820,
  routes: [{ prefix: '192.168.1.0/24', mtu: null }],
  forwarding: hubForwarding(),
}
const HOME: TunnelSpec = {
  ...base,
  address: '10.86.0.2/16',
  listenPort: null,
  peers: [
    {
      publicKey: KEYS[0]!,
      presharedKeyId: null,
      endpoint: { address: '203.0.113.10', port: 51_820 },
      allowedIps: [],
      keepaliveSeconds: 25,
    },
  ],
  forwarding: homeForwarding({ lan: ['192.168.1.0/24', '10.9.9.9/32'], mode: 'masquerade' }),
}

describe('the tunnel’s packets go by the main table', () => {
  test('at a hub whose VPN takes everything: its own answers, and what comes out of the tunnel', () => {
    expect(wantedWays([HUB], diverted(WG_QUICK, VPN_ROUTE), [])).toEqual([
      'from 203.0.113.10 ipproto tcp sport 51820',
      'from 203.0.113.10 ipproto udp sport 51820',
      'from 203.0.113.10 ipproto udp sport 8687',
      'iif hw0',
    ])
  })

  test('at a hub in both families, and in each only where its VPN takes it', () => {
    expect(wantedWays([HUB], DIVERTED, [])).toEqual([
      'from 2001:db8::10 ipproto tcp sport 51820',
      'from 2001:db8::10 ipproto udp sport 51820',
      'from 2001:db8::10 ipproto udp sport 8687',
      ...wantedWays([HUB], diverted(WG_QUICK, VPN_ROUTE), []),
    ])
    const onlyIpv6 = { ...DIVERTED, internet: { ...DIVERTED.internet, ipv4: null } }
    expect(wantedWays([HUB], onlyIpv6, []).every((way) => way.startsWith('from 2001:'))).toBe(true)
  })

  test('at both ends, where others’ networks come first: what is the tunnel’s or the LAN’s', () => {
    const tailscale = diverted(TAILSCALE, MAIN_ROUTE)
    expect(wantedWays([HUB], tailscale, [])).toEqual(['to 10.86.0.0/16', 'to 192.168.1.0/24'])
    expect(wantedWays([HOME], tailscale, [])).toEqual([
      'iif hw0 to 10.9.9.9',
      'iif hw0 to 192.168.1.0/24',
      'to 10.86.0.0/16',
    ])
  })

  test('a home’s tunnel goes through a VPN at first, past it when it was dark there, and stays so for whoever plans', () => {
    const vpn = diverted(WG_QUICK, VPN_ROUTE)
    expect(wantedWays([HOME], vpn, [])).toEqual([])
    expect(wantedWays([{ ...HOME, pastVpn: ['203.0.113.10', '2001:db8::7'] }], vpn, [])).toEqual(['to 203.0.113.10'])
    expect(wantedWays([HOME], vpn, ['to 203.0.113.10'])).toEqual(['to 203.0.113.10'])
    const { steps, warnings } = planLinux({ ...UNTOUCHED, diversion: vpn, ownWays: ['to 203.0.113.10'] }, [HOME])
    expect(steps.map(({ kind }) => kind)).not.toContain('lead-own-ways')
    expect(warnings).toEqual([expect.stringMatching(/^another program’s VPN .*\(ip rule 8599\).*hw0 goes past it/)])
  })

  test('a hub of both families is gone past to in the families that the VPN takes, in one spelling', () => {
    const past = { ...HOME, pastVpn: ['203.0.113.10', '2001:DB8::0007'] }
    expect(wantedWays([past], DIVERTED, [])).toEqual(['to 2001:db8::7', 'to 203.0.113.10'])
    const onlyIpv6 = { ...DIVERTED, internet: { ipv4: null, ipv6: 'ip rule 101' } }
    expect(wantedWays([past], onlyIpv6, [])).toEqual(['to 2001:db8::7'])
    expect(wantedWays([HOME], onlyIpv6, ['to 2001:db8::7', 'to 203.0.113.10'])).toEqual(['to 2001:db8::7'])
    const { warnings } = planLinux({ ...UNTOUCHED, diversion: onlyIpv6, ownWays: ['to 2001:db8::7'] }, [HOME])
    expect(warnings).toEqual([expect.stringContaining('(ip rule 101)')])
  })

  test('until nobody takes them any more', () => {
    const { steps } = planLinux({ ...UNTOUCHED, ownWays: ['iif hw0', 'to 203.0.113.10'] }, [HOME])
    expect(steps).toContainEqual({ kind: 'lead-own-ways', selectors: [], because: null })
  })
})

describe('the rules', () => {
  const placed = (selector: object, priority = 4300) => ({
    priority,
    src: 'all',
    table: 'main',
    protocol: '86',
    ...selector,
  })
  const IIF = placed({ iif: 'hw0', iif_detached: null })
  const inIpv4 = (ipv4: string) => ownWays({ ipv4, ipv6: rulesOf() })
  const SPORT = placed({ src: '203.0.113.10', ipproto: 'udp', sport: 51_820 })

  test('are read back as they were made', () => {
    expect(inIpv4(rulesOf(IIF, SPORT, placed({ dst: '10.86.0.0', dstlen: 16 }), ...WG_QUICK))).toEqual([
      'from 203.0.113.10 ipproto udp sport 51820',
      'iif hw0',
      'to 10.86.0.0/16',
    ])
    expect(inIpv4(rulesOf())).toEqual([])
  })

  test('are known with the mask of the port that iproute2 6.15 prints, and none for a part of the port is taken for one of them', () => {
    const printed = { ...SPORT, sport_mask: '0xffff' }
    const wanted = ['from 203.0.113.10 ipproto udp sport 51820']
    expect(inIpv4(rulesOf(printed, ...WG_QUICK))).toEqual(wanted)
    expect(ownWayCommands(wanted, 'ipv4', rulesOf(printed, ...WG_QUICK))).toEqual([])
    expect(ownWayCommands([], 'ipv4', rulesOf(printed, ...WG_QUICK))).toEqual([
      'rule del from 203.0.113.10 ipproto udp sport 51820 lookup main pref 4300 proto 86',
    ])
    expect(ownWayCommands(wanted, 'ipv4', rulesOf({ ...SPORT, sport_mask: '0xff00' }, ...WG_QUICK))).toEqual([
      'rule add from 203.0.113.10 ipproto udp sport 51820 lookup main pref 4300 proto 86',
      'rule del from 203.0.113.10 ipproto udp sport 51820/0xff00 lookup main pref 4300 proto 86',
    ])
  })

  test('that are twice, or behind somebody else’s, are made again, those that are right stay', () => {
    const rules = rulesOf(IIF, IIF, placed({ dst: '192.0.2.1' }, 9000), ...WG_QUICK)
    expect(inIpv4(rules)).toBeNull()
    expect(ownWayCommands(['iif hw0', 'to 10.86.0.0/16', 'to 2001:db8::7'], 'ipv4', rules)).toEqual([
      'rule add to 10.86.0.0/16 lookup main pref 4300 proto 86',
      'rule del iif hw0 lookup main pref 4300 proto 86',
      'rule del to 192.0.2.1 lookup main pref 9000 proto 86',
    ])
  })

  test('of IPv6 are read and made apart, by the rules of IPv6', () => {
    const six = rulesOf(placed({ dst: '2001:db8::7' }), ...WG_QUICK)
    expect(ownWays({ ipv4: rulesOf(IIF, ...WG_QUICK), ipv6: six })).toEqual(['iif hw0', 'to 2001:db8::7'])
    expect(ownWays({ ipv4: rulesOf(), ipv6: rulesOf(placed({ dst: '2001:db8::7' }, 9000), ...WG_QUICK) })).toBeNull()
    expect(ownWayCommands(['to 2001:db8::8', 'iif hw0'], 'ipv6', six)).toEqual([
      'rule add to 2001:db8::8 lookup main pref 4300 proto 86',
      'rule del to 2001:db8::7 lookup main pref 4300 proto 86',
    ])
  })
})
