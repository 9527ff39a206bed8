import * as fc from '../../../properties.ts'
import { describe, expect, test } from 'vitest'
import type { ForwardingSpec } from '../../../../adapters/spec.ts'
import { firewallTable } from '../../../../adapters/linux/firewall/firewall.ts'
import { fingerprintsOf, nftText } from '../../../../adapters/linux/firewall/nft-table.ts'
import { ECHO_FLOW } from '../../../../protocol/datagrams/echo.ts'
import { homeForwarding, hubForwarding } from '../../forwarding.ts'
import { anyOwnServices } from '../any-tunnel.ts'

const table = (forwarding: ForwardingSpec, listenPort: number | null = 51_820) =>
  firewallTable([
    { interface: 'hw0', listenPort, address: '10.86.0.2', network: '10.86.0.0/16', forwarding, visitorSlot: 0 },
  ])

const text = (forwarding: ForwardingSpec, listenPort: number | null = 51_820): string =>
  nftText(table(forwarding, listenPort), { forwardingWasOff: false, replaces: null })

describe('the firewall of a home', () => {
  test('has no rule for a LAN that is not there: nft takes no empty braces', () => {
    const { chains } = table(homeForwarding({ lan: [], mode: 'masquerade' }))
    expect(chains.map(({ name }) => name)).toEqual(['forward', 'forged', 'asked', 'answered'])
    expect(chains[0]?.rules.filter((rule) => /daddr|masquerade/.test(rule))).toEqual([])
    expect(chains[0]?.rules.at(-1)).toBe('iifname "hw0" drop')
  })

  test('names a prefix once, and none that lies in another', () => {
    const lan = ['192.168.0.0/16', '192.168.1.0/24', '10.1.0.0/16', '10.1.0.0/16']
    expect(text(homeForwarding({ lan, mode: 'routed' }))).toContain('ip daddr { 192.168.0.0/16, 10.1.0.0/16 } accept')
  })

  test('has one memory of what its UDP services were asked at, whatever tunnels there are', () => {
    const forwarding = homeForwarding({ lan: [], mode: 'routed' })
    const of = (name: string) =>
      ({
        interface: name,
        listenPort: null,
        address: '10.86.0.2',
        network: '10.86.0.0/16',
        forwarding,
        visitorSlot: 0,
      }) as const
    const { maps, chains } = firewallTable([of('hw0'), of('hw1')])
    expect(maps.map(({ name }) => name)).toEqual(['udp_answers'])
    expect(chains.find(({ name }) => name === 'asked')?.rules).toEqual([
      'iifname { "hw0", "hw1" } ct direction original update @udp_answers { ip saddr . udp sport . udp dport : ip daddr }',
    ])
    const hub = firewallTable([{ ...of('hw0'), forwarding: hubForwarding() }])
    expect(hub.maps.some(({ name }) => name === 'udp_answers')).toBe(false)
  })

  test('rewrites addresses only where it masquerades', () => {
    expect(text(homeForwarding({ lan: ['10.1.0.0/16'], mode: 'routed' }))).not.toContain('masquerade')
    expect(text(homeForwarding({ lan: ['10.1.0.0/16'], mode: 'masquerade' }))).toContain('masquerade')
  })
})

describe('what is sent from a home by the hub', () => {
  const outgoing = {
    flows: [
      { protocol: 'udp', from: '192.168.1.20', seenAs: '10.168.1.20', port: 27_016, lastPort: 27_016, ownPort: 27_015 },
      { protocol: 'tcp', from: null, seenAs: '10.86.0.2', port: 25, lastPort: 26, ownPort: 25 },
    ],
    except: ['1.1.1.1'],
  } as const
  const chain = (name: string): readonly string[] =>
    table(homeForwarding({ lan: ['203.0.113.0/24'], mode: 'routed', visitors: true, outgoing })).chains.find(
      (one) => one.name === name,
    )?.rules ?? []

  test('is told by its sender, to the published ports and from the service’s own, and only to the internet', () => {
    const [to, from, rest] = chain('outgoing')
    expect(to).toMatch(/ct state new .* ip saddr 192\.168\.1\.20 ip daddr != \{.*\} udp dport 27016 ct mark set /)
    expect(from).toMatch(/ip saddr 192\.168\.1\.20 ip daddr != \{.*\} udp sport 27015 ct mark set /)
    expect(rest).toMatch(/^iifname != "hw0" ct direction original ct mark and 0x00ff0000 == 0x00860000 meta mark set /)
    for (const prefix of ['10.0.0.0/8', '169.254.0.0/16', '100.64.0.0/10', '224.0.0.0/3', '203.0.113.0/24'])
      expect(to).toContain(prefix)
  })

  test('of this machine is led whichever address it has, except to what this line is judged by', () => {
    const rules = chain('outgoing_here')
    expect(rules.slice(0, 2).map((rule) => / (tcp .*?) ct mark/.exec(rule)?.[1])).toEqual([
      'tcp dport 25-26',
      'tcp sport 25-26',
    ])
    expect(rules[0]).toContain('1.1.1.1/32')
    expect(rules.slice(2, 4).map((rule) => / (ip6 daddr != \{ ::1.*)/.exec(rule)?.[1])).toEqual([
      'ip6 daddr != { ::1/128, fc00::/7, fe80::/10, ff00::/8 } tcp dport 25-26 reject',
      'ip6 daddr != { ::1/128, fc00::/7, fe80::/10, ff00::/8 } tcp sport 25-26 reject',
    ])
    expect(chain('outgoing')[0]).not.toContain('1.1.1.1')
  })

  test('has the one address by which the hub knows its sender', () => {
    expect(chain('outgoing_seen').map((rule) => rule.replace(/^.*0x00860000 /, ''))).toEqual([
      'ip saddr 192.168.1.20 udp dport 27016 snat ip to 10.168.1.20',
      'ip saddr 192.168.1.20 udp sport 27015 snat ip to 10.168.1.20',
      'fib saddr type local tcp dport 25-26 snat ip to 10.86.0.2',
      'fib saddr type local tcp sport 25-26 snat ip to 10.86.0.2',
    ])
  })
})

describe('the firewall of a hub', () => {
  test('lets out what was agreed and nothing else of a home, before it lets known flows pass', () => {
    const rules = table(hubForwarding()).chains[0]?.rules ?? []
    const at = (part: string): number => rules.findIndex((rule) => rule.includes(part))
    const drop = at('ct state { new, established } ip saddr != @full_devices drop')
    expect([at('@outgoing_to'), at('@outgoing_from')].every((index) => index >= 0 && index < drop)).toBe(true)
    expect(drop).toBeLessThan(at('iifname "hw0" ct state established,related accept'))
    for (const rule of rules.filter((one) => / @outgoing_(to|from) .*accept/.test(one)))
      for (const prefix of ['10.0.0.0/8', '169.254.0.0/16', '168.63.129.16/32', '127.0.0.0/8', '100.64.0.0/10'])
        expect(rule).toContain(prefix)
  })

  test('leads devices to the internet only, and home’s exits too', () => {
    const rules = table(hubForwarding({ full: ['10.86.0.5'], exits: ['10.86.0.6'] })).chains[0]?.rules ?? []
    const exit = table(homeForwarding({ lan: [], mode: 'masquerade', exit: true })).chains.flatMap((one) => one.rules)
    const leaving = [
      ...rules.filter((rule) => /@(full|exit)_devices ip daddr.*accept/.test(rule)),
      ...exit.filter((rule) => / ip saddr 10\.86\.0\.0\/16 ip daddr != .* (accept|masquerade)$/.test(rule)),
    ]
    expect(leaving).toHaveLength(4)
    for (const rule of leaving)
      for (const prefix of [
        '10.0.0.0/8',
        '172.16.0.0/12',
        '100.64.0.0/10',
        '169.254.0.0/16',
        '168.63.129.16/32',
        '224.0.0.0/3',
      ])
        expect(rule).toContain(prefix)
  })

  test('lets a device that is for one service reach its ports and no more', () => {
    const service = { address: '192.168.1.50', protocol: 'tcp', port: 554, lastPort: 560 } as const
    const limited = [{ devices: ['10.86.0.9'], prefixes: [], services: [service] }]
    const rules = table(hubForwarding({ limited })).chains[0]?.rules ?? []
    expect(rules.filter((rule) => rule.includes('10.86.0.9'))).toEqual([
      'iifname "hw0" oifname "hw0" ip saddr { 10.86.0.9 } ip daddr 192.168.1.50 tcp dport 554-560 accept',
    ])
  })

  test('does not redirect its own port to itself, nor anything when it has none', () => {
    const forwarding = hubForwarding({ alternatePorts: [51_820, 443] })
    expect(text(forwarding)).toContain('udp dport { 443 } redirect to :51820')
    expect(text(forwarding, null)).not.toContain('redirect')
    expect(text({ ...forwarding, alternatePorts: [51_820] })).not.toContain('redirect to :51820')
  })

  test('leads an echo aside on every port of WireGuard, before that port leads to WireGuard', () => {
    const forwarding = hubForwarding({ alternatePorts: [443] })
    const nat = (alternatePorts: readonly number[]) =>
      table({ ...forwarding, alternatePorts })
        .chains.find(({ name }) => name === 'prerouting')
        ?.rules.map((rule) =>
          /dport ({.*?})( @th,64,32 0x\w+ meta nfproto ipv[46])?.*( redirect .*)/.exec(rule)?.slice(1).join(''),
        )
    const aside = (ports: string) =>
      ['4', '6'].map((v) => `{ ${ports} } @th,64,32 0x68770103 meta nfproto ipv${v} redirect to :8687`)
    expect(nat([443])).toEqual([...aside('51820, 443'), '{ 443 } redirect to :51820'])
    expect(nat([])).toEqual(aside('51820'))
  })

  test('has a set without elements when there are no devices', () => {
    expect(text(hubForwarding())).not.toContain('elements')
  })
})

test('is replaced in one transaction, and marked', () => {
  const home = table(homeForwarding({ lan: ['10.1.0.0/16'], mode: 'masquerade' }))
  expect(nftText(home, { forwardingWasOff: true, replaces: null })).toMatch(
    /^table inet homeward\ndelete table inet homeward\ntable inet homeward \{\nchain made_by_homeward \{\n\}\nchain forwarding_was_off \{\n\}\n/,
  )
  expect(nftText(home, { forwardingWasOff: false, replaces: null })).not.toContain('forwarding_was_off')
})

test('every rule bears a fingerprint of its own text, and nft takes no longer comment', () => {
  const lines = text(hubForwarding({ alternatePorts: [443], devices: ['10.86.0.5'] })).split('\n')
  const rules = lines.filter((line) => /accept|drop|redirect|set rt mtu|update/.test(line) && !line.startsWith('type '))
  const comments = rules.map((line) => / comment "(homeward [0-9a-f]{12})"$/.exec(line)?.[1])
  expect(comments).not.toContain(undefined)
  expect(new Set(comments).size).toBe(rules.length)
})

const published = fc
  .uniqueArray(
    fc.record({
      protocol: fc.constantFrom('tcp' as const, 'udp' as const),
      port: fc.constantFrom(80, 443),
      address: fc.constantFrom('192.168.1.2', '192.168.1.3'),
      targetPort: fc.constantFrom(80, 8080),
      hidden: fc.boolean(),
    }),
    { selector: ({ protocol, port }) => `${port}/${protocol}` },
  )
  .map((ports) => ports.toSorted((a, b) => a.port - b.port || a.protocol.localeCompare(b.protocol)))

test('two wishes have the same fingerprints only when they have the same text', () => {
  const forwarding: fc.Arbitrary<ForwardingSpec> = fc.oneof(
    fc.record({
      role: fc.constant('home' as const),
      lan: fc.shuffledSubarray(['10.1.0.0/16', '10.2.0.0/16', '192.168.1.0/24']),
      mode: fc.constantFrom('masquerade', 'routed'),
      seenAs: fc.subarray([{ prefix: '10.1.0.0/16', seen: '10.3.0.0/16' }]),
      visitors: fc.boolean(),
      exit: fc.boolean(),
    }),
    fc.record({
      role: fc.constant('hub' as const),
      alternatePorts: fc.shuffledSubarray([443, 53]),
      echo: fc.constantFrom(ECHO_FLOW, { ...ECHO_FLOW, port: 8688 }, { ...ECHO_FLOW, keptSeconds: 60 }),
      heartbeatPort: fc.constant(8686),
      devices: fc.subarray(['10.86.0.5', '10.86.0.6']),
      limited: fc.subarray([
        { devices: ['10.86.0.7'], prefixes: ['192.168.1.0/24'] },
        { devices: ['10.86.0.8'], prefixes: ['192.168.2.0/24'] },
        {
          devices: ['10.86.0.9'],
          prefixes: [],
          services: [{ address: '192.168.1.50', protocol: 'tcp' as const, port: 554, lastPort: 555 }],
        },
      ]),
      full: fc.subarray(['10.86.0.5', '10.86.0.6']),
      exits: fc.subarray(['10.86.0.5', '10.86.0.6']),
      lans: fc.subarray(['192.168.1.0/24', '192.168.2.0/24']),
      ownServices: anyOwnServices,
      published,
    }),
  )
  const wish = fc.record({
    interface: fc.constantFrom('hw0', 'hw1'),
    listenPort: fc.constantFrom(null, 443),
    address: fc.constantFrom('10.86.0.1', '10.86.0.2'),
    network: fc.constant('10.86.0.0/16'),
    forwarding,
    visitorSlot: fc.constantFrom(0, 1),
  })
  fc.assert(
    fc.property(wish, wish, (a, b) => {
      const [one, other] = [firewallTable([a]), firewallTable([b])]
      const sameText =
        nftText(one, { forwardingWasOff: false, replaces: null }) ===
        nftText(other, { forwardingWasOff: false, replaces: null })
      expect(JSON.stringify(fingerprintsOf(one)) === JSON.stringify(fingerprintsOf(other))).toBe(sameText)
    }),
    { numRuns: 300 },
  )
})
