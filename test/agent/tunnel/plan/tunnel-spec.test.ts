import { describe, expect, test } from 'vitest'
import { UNKNOWN_UPLINK } from '../../../../agent/memory/uplink-memory.ts'
import { type CurrentEndpoint, tunnelSpec } from '../../../../agent/tunnel/plan/tunnel-spec.ts'
import type { Endpoint } from '../../../../wireguard/spec.ts'
import { homeForwarding } from '../../../adapters/forwarding.ts'
import { sampleTunnel, sampleRouter } from '../../sample-config.ts'

const ways = { hubLiterals: ['203.0.113.10', '203.0.113.11'], transport: null }
const sends = (endpoint: Endpoint, isLiving = false) => ({ endpoint, isLiving })
const endpointFor = (current: CurrentEndpoint | null, uplink = UNKNOWN_UPLINK) =>
  tunnelSpec(sampleTunnel, ways, current, uplink).peers[0]?.endpoint

test('the tunnel is what agent.yaml says', () => {
  expect(tunnelSpec(sampleTunnel, ways, null, UNKNOWN_UPLINK)).toEqual({
    interface: 'hw0',
    publicKey: sampleTunnel.publicKey,
    address: '10.86.0.2/16',
    mtu: 1420,
    listenPort: null,
    peers: [
      {
        publicKey: sampleTunnel.hub.publicKey,
        presharedKeyId: null,
        endpoint: { address: '203.0.113.10', port: 51_820 },
        allowedIps: ['10.86.0.0/16'],
        keepaliveSeconds: 25,
      },
    ],
    routes: [],
    forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'masquerade' }),
  })
})

test('an endpoint that is one of the hub’s ways is kept', () => {
  expect(endpointFor(sends({ address: '203.0.113.11', port: 4_500 }))).toEqual({ address: '203.0.113.11', port: 4_500 })
})

test.each([
  { address: '203.0.113.10', port: 9_999 },
  { address: '192.0.2.1', port: 51_820 },
])('an endpoint that is not the hub’s is put right: $address:$port', (current) => {
  expect(endpointFor(sends(current))).toEqual({ address: '203.0.113.10', port: 51_820 })
})

test('an endpoint that nothing names and that is answered outranks every name', () => {
  const living = { address: '192.0.2.1', port: 9_999 }
  expect(endpointFor(sends(living, true))).toEqual(living)
})

describe('where this hub last answered', () => {
  const proven = '198.51.100.7'
  const uplink = { ...UNKNOWN_UPLINK, provenHub: { publicKey: sampleTunnel.hub.publicKey, address: proven } }

  test('an interface begins that sends nowhere, whatever the name says', () => {
    expect(endpointFor(null, uplink)).toEqual({ address: proven, port: 51_820 })
  })

  test('an interface stays, on each of the hub’s ports and on no other', () => {
    for (const port of [51_820, 4_500])
      expect(endpointFor(sends({ address: proven, port }), uplink)).toEqual({ address: proven, port })
    expect(endpointFor(sends({ address: proven, port: 9_999 }), uplink)).toEqual({ address: proven, port: 51_820 })
  })

  test('is another hub’s matter', () => {
    const other = { ...UNKNOWN_UPLINK, provenHub: { publicKey: 'another', address: proven } }
    expect(endpointFor(null, other)).toEqual({ address: '203.0.113.10', port: 51_820 })
    expect(endpointFor(sends({ address: proven, port: 51_820 }), other)).toMatchObject({ address: '203.0.113.10' })
  })
})

test.each([
  { start: { address: '203.0.113.10', port: 443 }, taken: true },
  { start: { address: '203.0.113.99', port: 443 }, taken: false },
])('a tunnel begins with the way that worked last, if that is still one: $start.address', ({ start, taken }) => {
  const current = { address: '203.0.113.11', port: 51_820 }
  const { peers } = tunnelSpec(sampleTunnel, { ...ways, start }, sends(current), UNKNOWN_UPLINK)
  expect(peers[0]?.endpoint).toEqual(taken ? start : current)
})

test.each([
  { learned: null, mtu: 1_420 },
  { learned: 1_280, mtu: 1_280 },
  // agent.yaml was lowered since.
  { learned: 1_440, mtu: 1_420 },
])('a line that taught the MTU $learned gets $mtu', ({ learned, mtu }) => {
  expect(tunnelSpec(sampleTunnel, ways, null, { ...UNKNOWN_UPLINK, mtu: learned }).mtu).toBe(mtu)
})

test.each([
  { lifeSeconds: null, economy: false, keepalive: 25 },
  { lifeSeconds: 20, economy: false, keepalive: 15 },
  { lifeSeconds: 300, economy: true, keepalive: 25 },
])('a mapping that lives $lifeSeconds s is kept by one of $keepalive', ({ lifeSeconds, economy, keepalive }) => {
  const { peers } = tunnelSpec({ ...sampleTunnel, economy }, ways, null, { ...UNKNOWN_UPLINK, lifeSeconds })
  expect(peers[0]?.keepaliveSeconds).toBe(keepalive)
})

test('a router makes its key itself', () => {
  expect(tunnelSpec({ ...sampleTunnel, router: sampleRouter }, ways, null, UNKNOWN_UPLINK).publicKey).toBeNull()
})

test.each([
  { transport: { address: '192.168.1.2', port: 40_000 } as const, current: '192.168.1.2:40000', kept: true },
  { transport: { address: '192.168.1.2', port: 40_000 } as const, current: '192.168.1.2:40001', kept: false },
  { transport: { address: '192.168.1.2', port: 'any' } as const, current: '192.168.1.2:40001', kept: true },
  { transport: { address: '192.168.1.2', port: 'any' } as const, current: '192.168.1.3:40001', kept: false },
])('beside the carrier $carrier.address:$carrier.port, $current is one of the ways: $kept', (one) => {
  const [address = '', port] = one.current.split(':')
  const current = { address, port: Number(port) }
  const { peers } = tunnelSpec(sampleTunnel, { ...ways, transport: one.transport }, sends(current), UNKNOWN_UPLINK)
  expect(peers[0]?.endpoint).toEqual(one.kept ? current : { address: '203.0.113.10', port: 51_820 })
})
