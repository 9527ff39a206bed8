import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import {
  isBlank,
  type Link,
  parseLinks,
  parseRoutes,
  peersText,
  type Replies,
  toObservation,
} from '../../../adapters/linux/convert.ts'
import { firewallTable } from '../../../adapters/linux/firewall/firewall.ts'
import { NO_OTHERS } from '../../../adapters/linux/others/other-firewall.ts'
import { fingerprintsOf } from '../../../adapters/linux/firewall/nft-table.ts'
import type { PresharedKey, PresharedKeyId, PublicKey } from '../../../wireguard/keys.ts'
import type { PeerSpec } from '../../../wireguard/spec.ts'
import { hubForwarding } from '../forwarding.ts'

const KEY = `${'B'.repeat(42)}A=` as PublicKey
const SECRET = `${'S'.repeat(42)}A=` as PresharedKey

/** As iproute2 6.1.0 prints them. */
const LINKS = `[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"mtu":65536,"qdisc":"noqueue","operstate":"UNKNOWN","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host","label":"lo"},{"family":"inet6","local":"::1","prefixlen":128,"scope":"host"}]},{},{"ifindex":2,"ifname":"hw0","flags":["POINTOPOINT","MULTICAST","NOARP","UP","LOWER_UP"],"mtu":1420,"qdisc":"pfifo_fast","operstate":"UNKNOWN","linkinfo":{"info_kind":"tun","info_data":{"type":"tun","pi":true}},"ifalias":"homeward","addr_info":[{"family":"inet","local":"10.86.0.2","prefixlen":16,"scope":"global","label":"hw0"},{"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"}]},{"ifindex":3,"ifname":"old0","flags":["NOARP"],"mtu":1420,"linkinfo":{"info_kind":"wireguard"},"ifalias":"homeward","addr_info":[]}]`
const ROUTES = `[{"dst":"192.168.1.0/24","dev":"hw0","scope":"link","flags":[]},{"dst":"192.168.7.7","dev":"hw0","scope":"link","flags":[],"metrics":[{"mtu":1200}]},{"dst":"10.9.0.0/16","dev":"eth0","flags":[]},{"dst":"default","dev":"hw0","flags":[]}]`
const DUMP = `${SECRET}\t${KEY}\t51820\toff\n`
const OURS = `{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "inet", "name": "homeward", "handle": 3}}, {"chain": {"family": "inet", "table": "homeward", "name": "made_by_homeward", "handle": 1}}, {"chain": {"family": "inet", "table": "homeward", "name": "forwarding_was_off", "handle": 2}}]}`

// 192.168.7.7 of another interface; the tunnel's own network has lost its route.
const NETWORKS = `[{"dst":"10.86.0.0/16","dev":"eth0","scope":"link","prefsrc":"10.86.0.9","flags":[]}]`
const replies: Replies = {
  links: LINKS,
  routes: ROUTES,
  networks: NETWORKS,
  dumps: new Map([['hw0', DUMP]]),
  table: OURS,
  forwarding: '1\n',
  rules: '[]',
  isWithoutPorts: false,
  rulesIpv6: '[]',
  diversion: { ipv4: null, ipv6: null },
  others: { otherFirewalls: NO_OTHERS, closedFirewalls: [], foreignMarks: [] },
  reversePathFilter: { all: '0', own: new Map([['hw0', '0']]) },
}

describe('an observation', () => {
  test('has the interface with our mark, its IPv4 addresses, and our routes into it', () => {
    const { interfaces, ...rest } = toObservation(replies)
    const [own] = interfaces
    expect(interfaces).toHaveLength(1)
    expect(own).toMatchObject({ name: 'hw0', up: true, mtu: 1420, publicKey: KEY, listenPort: 51_820 })
    expect(own?.addresses).toEqual(['10.86.0.2/16'])
    expect(own?.cutOff).toEqual(['10.86.0.2/16'])
    expect(own?.routes).toEqual([
      { prefix: '192.168.1.0/24', mtu: null },
      { prefix: '192.168.7.7/32', mtu: 1200 },
      { prefix: '0.0.0.0/0', mtu: null },
    ])
    expect(rest).toEqual({
      remains: ['old0'],
      foreignInterfaces: ['lo'],
      firewall: [],
      published: [],
      replaceable: [],
      forwarding: true,
      forwardingIsOurs: true,
      visitors: [],
      exits: { interface: null, devices: [] },
      networks: [],
      otherFirewalls: NO_OTHERS,
      closedFirewalls: [],
      foreignMarks: [],
      strictReversePath: [],
      diversion: { specific: null, internet: { ipv4: null, ipv6: null }, addresses: [] },
      ownWays: [],
      clashes: [],
      warnings: [],
    })
  })

  test('of interfaces that no WireGuard answers for has their names, to be made anew', () => {
    expect(toObservation({ ...replies, dumps: new Map() })).toMatchObject({
      interfaces: [],
      remains: ['hw0', 'old0'],
      visitors: [],
      clashes: [],
      warnings: [],
    })
  })

  test('has each of two tunnels with what is its own', () => {
    const { interfaces, remains } = toObservation({
      ...replies,
      dumps: new Map([
        ['hw0', DUMP],
        ['old0', DUMP],
      ]),
    })
    expect(interfaces.map(({ name, up, routes }) => [name, up, routes.length])).toEqual([
      ['hw0', true, 3],
      ['old0', false, 0],
    ])
    expect(remains).toEqual([])
  })

  test('has an unmarked interface as somebody else’s, and an unmarked table as a clash', () => {
    const links = LINKS.replace('"ifalias":"homeward"', '"ifalias":"mine"')
    const table = OURS.replace('made_by_homeward', 'mine')
    const { clashes, foreignInterfaces, firewall, forwardingIsOurs } = toObservation({ ...replies, links, table })
    expect(clashes.map(({ code }) => code)).toEqual(['firewall-taken'])
    expect(foreignInterfaces).toEqual(['lo', 'hw0'])
    expect({ firewall, forwardingIsOurs }).toEqual({ firewall: null, forwardingIsOurs: false })
  })

  test('holds no secret', () => {
    expect(JSON.stringify(toObservation(replies))).not.toContain(SECRET)
  })

  test.each([
    ['links', '{"ifname":"hw0"}'],
    ['links', 'Cannot open netlink socket'],
    ['routes', '[{"dst":5}]'],
    ['table', '{"nftables": 3}'],
    ['table', ''],
  ] as const)('is refused when the reply about %s is %s', (part, text) => {
    expect(() => toObservation({ ...replies, [part]: text })).toThrow()
  })
})

test('replies of nothing are a machine with nothing', () => {
  expect(parseLinks('[]')).toEqual([])
  expect(parseRoutes('[ ]')).toEqual([])
})

test('only a WireGuard interface that nobody has given anything is blank', () => {
  const link: Link = {
    name: 'hw0',
    alias: null,
    kind: 'tun',
    up: false,
    mtu: 1420,
    addresses: [],
    addressesIpv6: [],
    addressCount: 0,
  }
  const state = { publicKey: null, listenPort: 39_578, fwmark: 0, peers: [] }
  expect(isBlank(link, state)).toBe(true)
  expect(isBlank({ ...link, kind: 'wireguard' }, state)).toBe(true)
  expect(isBlank(link, null)).toBe(false)
  for (const more of [{ alias: 'mine' }, { kind: 'veth' }, { kind: null }, { up: true }, { addressCount: 1 }])
    expect(isBlank({ ...link, ...more }, state), JSON.stringify(more)).toBe(false)
  for (const more of [{ publicKey: KEY }, { fwmark: 1 }]) expect(isBlank(link, { ...state, ...more })).toBe(false)
})

describe('what wg addconf reads', () => {
  const peer: PeerSpec = {
    publicKey: KEY,
    presharedKeyId: '0011223344556677' as PresharedKeyId,
    endpoint: { address: '2001:db8::7', port: 4500 },
    allowedIps: ['10.86.0.0/16', '192.168.1.0/24'],
    keepaliveSeconds: 25,
  }

  test('is a whole section a peer', () => {
    expect(peersText([peer], () => SECRET)).toBe(`[Peer]
PublicKey = ${KEY}
PresharedKey = ${SECRET}
Endpoint = [2001:db8::7]:4500
AllowedIPs = 10.86.0.0/16, 192.168.1.0/24
PersistentKeepalive = 25
`)
  })

  test('leaves an endpoint that nobody named as it is, takes the preshared key away, and has no empty line of prefixes', () => {
    const text = peersText(
      [{ ...peer, presharedKeyId: null, endpoint: null, allowedIps: [], keepaliveSeconds: 0 }],
      () => null,
    )
    expect(text).toBe(`[Peer]
PublicKey = ${KEY}
PresharedKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
PersistentKeepalive = 0
`)
  })
})

test('whatever nft lists in whatever order of chains and sets, our own table is recognised, and a change is seen', () => {
  const table = firewallTable([
    {
      interface: 'hw0',
      listenPort: 51_820,
      address: '10.86.0.2',
      network: '10.86.0.0/16',
      forwarding: hubForwarding({ alternatePorts: [443], devices: ['10.86.0.6', '10.86.0.5'] }),
      visitorSlot: 0,
    },
  ])
  const wanted = fingerprintsOf(table)
  const listed = [
    { chain: { name: 'made_by_homeward' } },
    ...table.sets.map(({ name, type, elements }) => ({ set: { name, type, elem: [...elements].reverse() } })),
    ...table.maps.map(({ name }) => ({ map: { name, type: 'inet_service', map: 'ipv4_addr . inet_service' } })),
    ...table.flowLives.map(({ name, l3proto }) => ({ 'ct timeout': { name, protocol: 'udp', l3proto, policy: {} } })),
    // As nft 1.0.6 lists it when somebody shook hands 18 s ago.
    ...table.recentSets.map(({ name, type, keptSeconds, size }) => ({
      set: {
        name,
        type,
        size,
        flags: ['timeout'],
        timeout: keptSeconds,
        elem: [{ elem: { val: '198.51.100.7', expires: 42 } }],
      },
    })),
    ...table.chains.map(({ name, type, hook, priority }) => ({
      chain: { name, type, hook, prio: priority, policy: 'accept' },
    })),
  ]
  const rules = wanted
    .filter((text) => text.startsWith('rule '))
    .map((text) => ({ rule: { chain: text.split(' ')[1], comment: text.split(' ').slice(2).join(' ') } }))
  const observe = (objects: readonly unknown[]) =>
    toObservation({ ...replies, table: JSON.stringify({ nftables: objects }) }).firewall
  fc.assert(
    fc.property(
      fc.shuffledSubarray(listed, { minLength: listed.length }),
      fc.nat(rules.length - 1),
      (objects, which) => {
        expect(observe([...objects, ...rules])).toEqual(wanted)
        expect(observe([...objects, ...rules.filter((_, index) => index !== which)])).not.toEqual(wanted)
        expect(observe([...objects, ...rules, { rule: { chain: 'forward' } }])).not.toEqual(wanted)
        expect(observe([...objects, ...rules, { map: { name: 'somebody’s' } }])).not.toEqual(wanted)
      },
    ),
  )
})
