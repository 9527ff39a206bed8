import { describe, expect, test } from 'vitest'
import { detectLan, refuseMappedTwice, refuseOverlaps } from '../../../agent/lan/lan.ts'
import { defaultInterface, defaultInterface6, type LocalNetworks } from '../../../agent/lan/local-networks.ts'

const pi: LocalNetworks = {
  connected: [
    { interface: 'eth0', prefix: '192.168.1.0/24' },
    { interface: 'docker0', prefix: '172.17.0.0/16' },
  ],
  routed: [],
  defaultInterface: 'eth0',
}
const linuxRouter: LocalNetworks = {
  connected: [
    { interface: 'wan0', prefix: '100.64.1.0/24' },
    { interface: 'lan0', prefix: '192.168.1.0/24' },
    { interface: 'virbr0', prefix: '192.168.122.0/24' },
  ],
  routed: [],
  defaultInterface: 'wan0',
}

describe('the home’s LAN is', () => {
  test('the private network of the default route', () => {
    expect(detectLan(pi)).toBe('192.168.1.0/24')
  })

  test('the only private network of a router, whatever containers there are', () => {
    expect(detectLan(linuxRouter)).toBe('192.168.1.0/24')
  })

  test('asked for when there are two, naming both', () => {
    const two = [...linuxRouter.connected, { interface: 'lan1', prefix: '192.168.2.0/24' }]
    expect(() => detectLan({ ...linuxRouter, connected: two })).toThrow(
      expect.objectContaining({ code: 'lan-unclear', why: 'it may be 192.168.1.0/24 (lan0) or 192.168.2.0/24 (lan1)' }),
    )
  })

  test('asked for when there is none', () => {
    expect(() => detectLan({ connected: [], routed: [], defaultInterface: null })).toThrow('on no private network')
  })
})

describe('a LAN is refused that', () => {
  const refused = (lan: readonly string[], local: LocalNetworks = pi) => {
    refuseOverlaps(lan, { network: '10.86.0.0/16', hubLiterals: ['203.0.113.10', '2001:db8::1'], local })
  }

  test.each(['8.0.0.0/7', '128.0.0.0/1', '0.0.0.0/0', '10.86.0.0/30'])(
    'a hub whose tunnel would be %s, whatever numbers are in use here',
    (network) => {
      const nowhere: LocalNetworks = { connected: [], routed: [], defaultInterface: null }
      expect(() => refuseOverlaps([], { network, hubLiterals: [], local: nowhere })).toThrow(
        'is no network for a tunnel',
      )
    },
  )

  test.each([
    ['overlaps the tunnel’s network', '10.86.4.0/24'],
    ['overlaps the tunnel’s network', '10.0.0.0/8'],
    ['contains the hub’s address 203.0.113.10', '203.0.113.0/24'],
    ['neither private nor a network of this machine', '100.64.1.0/24'],
    ['neither private nor a network of this machine', '8.8.8.0/24'],
  ])('%s: %s', (why, prefix) => {
    expect(() => refused([prefix])).toThrow(why)
  })

  test('overlaps the WAN of a router', () => {
    expect(() => refused(['100.64.1.128/25'], linuxRouter)).toThrow('overlaps the WAN, 100.64.1.0/24 on wan0')
  })

  test('while others are let through, also several, also behind another router', () => {
    expect(() => refused(['192.168.1.0/24', '192.168.77.0/24', '172.20.0.0/16'])).not.toThrow()
  })

  test('a tunnel network that is in use here is refused, whatever the LAN', () => {
    const local = { connected: [{ interface: 'eth0', prefix: '10.86.7.0/24' }], routed: [], defaultInterface: 'eth0' }
    expect(() => refused([], local)).toThrow('the tunnel’s network 10.86.0.0/16 overlaps 10.86.7.0/24 on eth0')
  })

  test.each([
    ['10.86.7.0/24', '192.168.1.3', '10.86.7.0/24, a route via 192.168.1.3 (eth0)'],
    ['10.0.0.0/8', '192.168.1.254', '10.0.0.0/8, a route via 192.168.1.254 (eth0)'],
    ['10.86.0.0/16', null, '10.86.0.0/16, a network of eth0'],
  ])('a tunnel network that a route leads elsewhere is refused: %s', (prefix, via, words) => {
    const local = { ...pi, routed: [{ prefix, interface: 'eth0', via }] }
    expect(() => refused(['192.168.1.0/24'], local)).toThrow(`the tunnel’s network 10.86.0.0/16 overlaps ${words}`)
  })

  test.each([
    // What is proposed is free of all that is here, and of the tunnel's network of today.
    [{ interface: 'eth0', prefix: '10.0.0.0/8' }, '172.29.0.0/16'],
    [{ interface: 'eth0', prefix: '10.86.1.0/24' }, '10.186.0.0/16'],
  ])('in %o the advice is another network for the tunnel, not other numbers for the LAN', (connected, free) => {
    const local = { connected: [connected], routed: [], defaultInterface: 'eth0' }
    for (const lan of [[], [connected.prefix]])
      expect(() => refused(lan, local)).toThrow(
        expect.objectContaining({ next: expect.stringContaining(`sudo homeward hub init --network ${free} `) }),
      )
  })

  test('networks of one home that the hub would know by the same numbers', () => {
    const lan = { mode: 'masquerade' as const, prefixes: ['192.168.1.0/24', '192.168.2.0/24'] }
    expect(() => refuseMappedTwice(lan)).not.toThrow()
    expect(() => refuseMappedTwice({ ...lan, seenAs: { '192.168.1.0/24': '10.168.1.0/24' } })).not.toThrow()
    expect(() => refuseMappedTwice({ ...lan, seenAs: { '192.168.1.0/24': '192.168.2.0/24' } })).toThrow(
      'the hub would know both 192.168.1.0/24 and 192.168.2.0/24 as 192.168.2.0/24',
    )
    // Numbers of a network here that the tunnel does not reach are nobody's at the hub.
    const only = { ...lan, prefixes: ['192.168.1.0/24'], seenAs: { '192.168.1.0/24': '192.168.2.0/24' } }
    expect(() => refuseMappedTwice(only)).not.toThrow()
    expect(() => refuseMappedTwice({ ...lan, prefixes: ['10.0.0.0/8', '10.1.0.0/16'] })).not.toThrow()
  })
})

describe('/proc/net/route', () => {
  const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n'
  const line = (name: string, destination: string, metric: number, mask: string): string =>
    `${name}\t${destination}\t0101A8C0\t0003\t0\t0\t${metric}\t${mask}\t0\t0\t0\n`

  test('the default route with the lowest metric is the one in use', () => {
    const text =
      head +
      line('wlan0', '00000000', 600, '00000000') +
      line('eth0', '00000000', 100, '00000000') +
      line('eth0', '0001A8C0', 0, '00FFFFFF')
    expect(defaultInterface(text)).toBe('eth0')
  })

  test('half of everything is no default route', () => {
    expect(defaultInterface(head + line('tun0', '00000000', 0, '00000080'))).toBeNull()
    expect(defaultInterface('')).toBeNull()
  })

  test('without IPv4 the default route is that of IPv6', () => {
    const zeros = '0'.repeat(32)
    const line = (to: string, metric: string, flags: string, device: string) =>
      `${to} ${zeros} 00 ${zeros} ${metric} 00000001 00000000 ${flags} ${device.padStart(8)}\n`
    const text =
      line('20010db8000100010000000000000000 40', '00000100', '00000001', 'eth0') +
      line(`${zeros} 00`, '00000400', '00000003', 'wlan0') +
      line(`${zeros} 00`, '00000064', '00000003', 'eth0') +
      line(`${zeros} 00`, 'ffffffff', '00200200', 'lo')
    expect(defaultInterface6(text)).toBe('eth0')
    expect(defaultInterface6(line(`${zeros} 00`, 'ffffffff', '00200200', 'lo'))).toBeNull()
    expect(defaultInterface6('')).toBeNull()
  })
})
