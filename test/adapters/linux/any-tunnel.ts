import * as fc from '../../properties.ts'
import type { ForwardingSpec, PublishedPort, TunnelSpec } from '../../../adapters/spec.ts'
import { ECHO_FLOW } from '../../../protocol/datagrams/echo.ts'
import type { PresharedKeyId, PublicKey } from '../../../wireguard/keys.ts'
import type { PeerSpec } from '../../../wireguard/spec.ts'

export const KEYS = ['A', 'B', 'C', 'D'].map((letter) => `${letter.repeat(43)}=` as PublicKey)
const PREFIXES = ['10.86.0.2/32', '10.86.0.3/32', '192.168.1.0/24', '192.168.2.0/24', '192.168.3.0/24']

export const PUBLISHED: PublishedPort[] = [
  { protocol: 'tcp', port: 443, address: '192.168.1.20', targetPort: 443, hidden: false },
  { protocol: 'udp', port: 443, address: '192.168.1.20', targetPort: 443, hidden: true },
  { protocol: 'tcp', port: 80, address: '192.168.1.21', targetPort: 8080, hidden: true },
  { protocol: 'udp', port: 20_001, lastPort: 50_000, address: '192.168.1.21', targetPort: 20_001, hidden: false },
]

export const key = fc.constantFrom(...KEYS)
const prefixes = fc.subarray(PREFIXES)
export const routes = fc
  .array(fc.record({ prefix: fc.constantFrom(...PREFIXES), mtu: fc.constantFrom(null, 1200, 1280) }))
  .map((some) => [...new Map(some.map((route) => [route.prefix, route])).values()])
const presharedKeyId = fc.constantFrom(null, '0011223344556677' as PresharedKeyId, '8899aabbccddeeff' as PresharedKeyId)
const endpoint = fc.constantFrom(
  null,
  { address: '203.0.113.10', port: 51_820 },
  { address: '203.0.113.10', port: 443 },
  { address: '2001:db8::7', port: 51_820 },
)
export const anyOwnServices = fc.record({
  open: fc.subarray([
    { protocol: 'udp' as const, port: 53 },
    { protocol: 'tcp' as const, port: 8080 },
  ]),
  sshPorts: fc.subarray([22, 2222]),
  ownerDevices: fc.subarray(['10.86.0.5']),
})
export const forwarding: fc.Arbitrary<ForwardingSpec> = fc.oneof(
  fc.record({
    role: fc.constant('home' as const),
    lan: prefixes,
    mode: fc.constantFrom('masquerade', 'routed'),
    seenAs: fc.subarray([{ prefix: '192.168.1.0/24', seen: '10.168.1.0/24' }]),
    visitors: fc.boolean(),
    exit: fc.boolean(),
  }),
  fc.record({
    role: fc.constant('hub' as const),
    alternatePorts: fc.subarray([443, 4500, 53]),
    echo: fc.constantFrom(ECHO_FLOW, { ...ECHO_FLOW, port: 8688 }, { ...ECHO_FLOW, keptSeconds: 60 }),
    devices: fc.subarray(['10.86.0.5', '10.86.0.6', '10.86.0.7']),
    heartbeatPort: fc.constantFrom(null, 8686),
    limited: fc.subarray([
      { devices: ['10.86.0.8'], prefixes: ['192.168.1.0/24'] },
      {
        devices: ['10.86.0.9'],
        prefixes: [],
        services: [{ address: '192.168.1.50', protocol: 'tcp' as const, port: 554, lastPort: 554 }],
      },
    ]),
    full: fc.subarray(['10.86.0.5']),
    exits: fc.subarray(['10.86.0.6', '10.86.0.5']),
    lans: fc.subarray(['192.168.1.0/24', '192.168.2.0/24']),
    ownServices: anyOwnServices,
    published: fc.subarray(PUBLISHED),
  }),
)
export const address = fc.constantFrom('10.86.0.1/16', '10.86.0.2/16', '10.86.0.2/24')
export const mtu = fc.constantFrom(1280, 1420)
export const name = fc.constantFrom('hw0', 'hw1')

/** A prefix belongs to one peer at most: WireGuard knows nothing else. */
export const peers: fc.Arbitrary<readonly PeerSpec[]> = fc
  .record({
    publicKeys: fc.subarray(KEYS),
    owners: fc.array(fc.nat(9), { minLength: PREFIXES.length, maxLength: PREFIXES.length }),
    details: fc.array(fc.record({ presharedKeyId, endpoint, keepaliveSeconds: fc.constantFrom(0, 25) }), {
      minLength: KEYS.length,
      maxLength: KEYS.length,
    }),
  })
  .map(({ publicKeys, owners, details }) =>
    publicKeys.map((publicKey, index) => ({
      publicKey,
      ...details[index]!,
      allowedIps: PREFIXES.filter((_, prefix) => owners[prefix] === index),
    })),
  )

/** A tunnel that a plan may be asked for. */
export const spec: fc.Arbitrary<TunnelSpec> = fc.record({
  interface: name,
  publicKey: key,
  address,
  mtu,
  listenPort: fc.constantFrom(null, 51_820, 443),
  peers,
  routes,
  forwarding,
})

/** One tunnel or two, of which one may be the hub's. */
export const wanted: fc.Arbitrary<readonly TunnelSpec[]> = fc
  .uniqueArray(spec, { minLength: 1, maxLength: 2, selector: (one) => one.interface })
  .map((specs) => specs.filter(({ forwarding: of }, index) => of.role === 'home' || index === 0))
