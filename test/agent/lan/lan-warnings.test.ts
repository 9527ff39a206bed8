import { describe, expect, test } from 'vitest'
import { followedLan, isLanOf, lanWarnings, routerLanWarnings, unknownLan } from '../../../agent/lan/lan-warnings.ts'
import type { LocalNetworks } from '../../../agent/lan/local-networks.ts'

const at = (...connected: readonly (readonly [string, string])[]): LocalNetworks => ({
  connected: connected.map(([name, prefix]) => ({ interface: name, prefix })),
  routed: [],
  defaultInterface: 'eth0',
})
const lan = { mode: 'masquerade' as const, prefixes: ['192.168.1.0/24'] }
const network = '10.86.0.0/16'

describe('the LAN in agent.yaml', () => {
  test.each([
    ['is this machine’s', lan, at(['eth0', '192.168.1.0/24'])],
    ['holds what this machine is in', { ...lan, prefixes: ['192.168.0.0/16'] }, at(['eth0', '192.168.8.0/24'])],
    [
      'has one network here, others behind a router',
      { ...lan, prefixes: ['192.168.1.0/24', '192.168.77.0/24'] },
      at(['eth0', '192.168.1.0/24']),
    ],
    [
      'is reached by a route',
      lan,
      {
        ...at(['eth0', '192.168.8.0/24']),
        routed: [{ prefix: '192.168.1.0/24', interface: 'eth0', via: '192.168.8.9' }],
      },
    ],
    ['is unknown, while no cable is in', lan, at()],
    ['is unknown, where only containers are', lan, at(['docker0', '172.17.0.0/16'])],
    ['is empty', { ...lan, prefixes: [] }, at(['eth0', '192.168.8.0/24'])],
  ])('%s: nothing is said', (_, lan, here) => {
    expect(lanWarnings(lan, network, here)).toEqual([])
  })

  test('is none of this machine’s: the new one is offered with the command', () => {
    expect(lanWarnings(lan, network, at(['eth0', '192.168.8.0/24'], ['docker0', '172.17.0.0/16']))).toEqual([
      'the LAN in agent.yaml, 192.168.1.0/24, is none of this machine’s networks, which are 192.168.8.0/24 (eth0). If the home has other numbers now, for instance after a change of its router: sudo homeward lan 192.168.8.0/24; or let them be followed from now on: sudo homeward lan auto',
    ])
    expect(lanWarnings(lan, network, at(['eth0', '192.168.8.0/24'], ['eth1', '192.168.9.0/24']))[0]).toContain(
      'which are 192.168.8.0/24 (eth0), 192.168.9.0/24 (eth1). If the home has other numbers now, for instance after a change of its router: sudo homeward lan CIDR',
    )
  })

  test('is none of the router’s: the new one is offered; its bridge is a LAN, and a route leads to one behind it', () => {
    const on = (prefix: string) => ({ interface: 'br-lan', prefix })
    const far = { interface: null, prefix: '0.0.0.0/0' }
    const wan = { interface: 'eth0', prefix: '100.64.1.0/24' }
    expect(routerLanWarnings(lan, [on('192.168.8.0/24'), wan, far])).toEqual([
      expect.stringMatching(
        /192\.168\.1\.0\/24, is none of the router’s networks, which are 192\.168\.8\.0\/24 \(br-lan\)\..*sudo homeward lan 192\.168\.8\.0\/24;/,
      ),
    ])
    expect(routerLanWarnings(lan, [on('192.168.1.0/24'), wan, far])).toEqual([])
    const behind = { interface: null, prefix: '192.168.1.0/24' }
    expect(routerLanWarnings(lan, [on('192.168.8.0/24'), behind])).toEqual([])
    expect(routerLanWarnings(lan, [])).toEqual([])
  })

  test('is not blamed where the tunnel’s network came to be in use here', () => {
    const routed = [{ prefix: '10.0.0.0/8', interface: 'eth0', via: '192.168.1.3' }]
    expect(lanWarnings(lan, network, { ...at(['eth0', '192.168.1.0/24']), routed })).toEqual([
      expect.stringMatching(
        /^the tunnel’s network 10\.86\.0\.0\/16 overlaps 10\.0\.0\.0\/8, a route via 192\.168\.1\.3 \(eth0\)/,
      ),
    ])
  })
})

test.each([
  ['the network of the default route', at(['eth0', '192.168.8.0/24'], ['eth1', '192.168.9.0/24']), '192.168.8.0/24'],
  ['the only private one', { ...at(['eth1', '192.168.9.0/24']), defaultInterface: 'wan0' }, '192.168.9.0/24'],
  ['nothing while there is none', at(['docker0', '172.17.0.0/16']), null],
  [
    'nothing where it is unclear',
    { ...at(['a', '192.168.8.0/24'], ['b', '192.168.9.0/24']), defaultInterface: null },
    null,
  ],
  ['nothing that is the tunnel’s', at(['eth0', '10.86.3.0/24']), null],
])('with auto %s is followed', (_, here, prefix) => {
  expect(followedLan(network, here)).toBe(prefix)
})

test('a LAN is followed for a router only where the router is in it, as far as its address tells', () => {
  const router = (host: string) =>
    ({ kind: 'mikrotik', host, user: 'homeward', port: 8729, certificate: null }) as const
  expect(isLanOf({ kind: 'linux' }, '192.168.8.0/24')).toBe(true)
  expect(isLanOf(router('192.168.8.1'), '192.168.8.0/24')).toBe(true)
  expect(isLanOf(router('192.168.1.1'), '192.168.8.0/24')).toBe(false)
  expect(isLanOf(router('openwrt.lan'), '192.168.8.0/24')).toBe(true)
})

describe('a LAN that a join is given', () => {
  const named = (...prefixes: readonly string[]) => ({ mode: 'masquerade' as const, prefixes: [...prefixes] })
  test('is asked about where this machine knows nothing of it', () => {
    expect(unknownLan(named('192.168.1.0/24', '192.168.7.0/24'), at(['eth0', '192.168.1.0/24']))).toEqual([
      'this machine is not in 192.168.7.0/24; it is in 192.168.1.0/24 (eth0). That is right for a network behind another router; if it is a slip, answer no and pass another --lan',
    ])
  })

  test.each([
    ['it is in it', at(['eth0', '192.168.7.0/24'])],
    ['it is in a part of it', at(['eth0', '192.168.7.128/25'])],
    [
      'it has a route to it',
      {
        ...at(['eth0', '192.168.8.0/24']),
        routed: [{ prefix: '192.168.7.0/24', interface: 'eth0', via: '192.168.8.9' }],
      },
    ],
    ['it is in no network that could be meant', at()],
  ])('is not, where %s', (_why, here) => expect(unknownLan(named('192.168.7.0/24'), here)).toEqual([]))
})
