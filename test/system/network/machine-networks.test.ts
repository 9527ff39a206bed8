import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, test } from 'vitest'
import {
  connectedNetworks,
  distinct,
  networkText,
  parseProcRoutes,
  parseRoutes,
  readMachineNetworks,
} from '../../../system/network/machine-networks.ts'

const at = (cidr: string | null, more: { readonly internal?: boolean } = {}): NetworkInterfaceInfo => ({
  family: 'IPv4',
  address: '',
  netmask: '',
  mac: '',
  internal: false,
  cidr,
  ...more,
})

test('networks of interfaces come without loopback, IPv6 and the tunnel', () => {
  const found = connectedNetworks('hw0', {
    lo: [at('127.0.0.1/8', { internal: true })],
    eth0: [at('203.0.113.10/24'), { ...at('2001:db8::1/64'), family: 'IPv6', scopeid: 0 }],
    docker0: [at('172.17.0.1/16'), at(null)],
    hw0: [at('10.86.0.1/16')],
    empty: undefined,
  })
  expect(found).toEqual([
    { prefix: '203.0.113.0/24', interface: 'eth0', via: null },
    { prefix: '172.17.0.0/16', interface: 'docker0', via: null },
  ])
})

describe('a route counts', () => {
  const of = (...routes: readonly Record<string, unknown>[]) => parseRoutes(JSON.stringify(routes), ['hw0'])

  test('that leads a private network of a cloud by its gateway, in whatever table', () => {
    expect(of({ dst: '10.0.0.0/16', gateway: '10.0.0.1', dev: 'enp7s0', flags: ['onlink'] })).toEqual([
      { prefix: '10.0.0.0/16', interface: 'enp7s0', via: '10.0.0.1' },
    ])
    expect(of({ type: 'unicast', dst: '192.168.7.0/24', dev: 'tailscale0', table: '52' })).toEqual([
      { prefix: '192.168.7.0/24', interface: 'tailscale0', via: null },
    ])
    expect(of({ dst: '10.0.0.1', dev: 'enp7s0', scope: 'link' })).toEqual([
      { prefix: '10.0.0.1/32', interface: 'enp7s0', via: null },
    ])
  })

  test('by each of its hops', () => {
    const nexthops = [
      { gateway: '10.0.0.1', dev: 'a' },
      { gateway: '10.0.0.2', dev: 'b' },
    ]
    expect(of({ dst: '10.4.0.0/16', nexthops }).map((one) => one.via)).toEqual(['10.0.0.1', '10.0.0.2'])
  })

  test.each([
    ['the default route', { dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }],
    ['half of the internet', { dst: '128.0.0.0/1', gateway: '10.8.0.1', dev: 'tun0' }],
    ['a share of it', { dst: '8.0.0.0/7', dev: 'wg0' }],
    ['one of the tunnel', { dst: '10.86.0.0/16', dev: 'hw0', protocol: 'kernel' }],
    ['one of homeward, wherever it leads', { dst: '192.168.1.0/24', dev: 'hw3', protocol: '86' }],
    ['one that leads nowhere', { type: 'blackhole', dst: '10.0.0.0/8' }],
    ['one of loopback', { dst: '127.0.0.0/8', dev: 'lo' }],
    ['one of IPv6', { dst: 'fd00::/8', dev: 'eth0' }],
    ['one without a destination', { dev: 'eth0' }],
  ])('but not %s', (_, route) => {
    expect(of(route)).toEqual([])
  })

  test('and no routes are no answer', () => {
    expect(parseRoutes('', [])).toEqual([])
    expect(() => parseRoutes('Usage: ip …', [])).toThrow(SyntaxError)
  })
})

test('where ip has no JSON the kernel’s own list tells', () => {
  const text = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
enp7s0\t0000000A\t0100000A\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0
enp7s0\t0100000A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0
hw0\t0000560A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
*\t0000000A\t00000000\t0200\t0\t0\t0\t000000FF\t0\t0\t0
`
  expect(parseProcRoutes(text, ['hw0'])).toEqual([
    { prefix: '10.0.0.0/16', interface: 'enp7s0', via: '10.0.0.1' },
    { prefix: '10.0.0.1/32', interface: 'enp7s0', via: null },
  ])
  expect(parseProcRoutes('', [])).toEqual([])
})

test('of several in the way the widest comes first, and each once', () => {
  const one = (prefix: string, via: string | null = null) => ({ prefix, interface: 'eth0', via })
  expect(distinct([one('10.0.0.1/32'), one('10.0.0.0/16', '10.0.0.1'), one('10.0.0.0/16')])).toEqual([
    one('10.0.0.0/16', '10.0.0.1'),
    one('10.0.0.1/32'),
  ])
  expect(networkText(one('10.0.0.0/16', '10.0.0.1'))).toBe('a route via 10.0.0.1 (eth0)')
  expect(networkText(one('10.0.0.0/16'))).toBe('a network of eth0')
})

test('whatever machine this is, it can be asked', async () => {
  expect(await readMachineNetworks('hw0')).toBeInstanceOf(Array)
})
