import { randomBytes } from 'node:crypto'
import type { PublishedPort, TunnelSpec } from '../../adapters/spec.ts'
import {
  type PresharedKey,
  presharedKeyFrom,
  type PrivateKey,
  privateKeyFrom,
  type PublicKey,
} from '../../wireguard/keys.ts'
import { ECHO_FLOW } from '../../protocol/datagrams/echo.ts'
import { presharedKeyId } from '../../wireguard/preshared-id.ts'
import { publicKeyOf } from '../../wireguard/public-key.ts'
import type { PeerSpec } from '../../wireguard/spec.ts'
import { homeForwarding } from '../adapters/forwarding.ts'

/** What the machine under test was given: its own key and the peers'. */
export interface Keys {
  readonly privateKey: PrivateKey
  readonly publicKey: PublicKey
  readonly peers: readonly PublicKey[]
  /** For the first peers. */
  readonly presharedKeys: ReadonlyMap<PublicKey, PresharedKey>
}

export function makeKeys(): Keys {
  const privateKey = privateKeyFrom(randomBytes(32))
  const peers = Array.from({ length: 5 }, () => publicKeyOf(privateKeyFrom(randomBytes(32))))
  return {
    privateKey,
    publicKey: publicKeyOf(privateKey),
    peers,
    presharedKeys: new Map(peers.slice(0, 3).map((peer) => [peer, presharedKeyFrom(randomBytes(32))])),
  }
}

/** A home with its one peer, the hub. */
export function homeSpec(keys: Keys): TunnelSpec {
  return {
    interface: 'hw0',
    publicKey: keys.publicKey,
    address: '10.86.0.2/16',
    mtu: 1420,
    listenPort: null,
    peers: [
      {
        publicKey: keys.peers[4]!,
        presharedKeyId: null,
        endpoint: { address: '203.0.113.10', port: 51_820 },
        allowedIps: ['10.86.0.0/16'],
        keepaliveSeconds: 25,
      },
    ],
    routes: [],
    forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'masquerade' }),
  }
}

/** To the home's LAN and to the home itself, single ports and a range; some services send by the hub too. */
const PUBLISHED: readonly PublishedPort[] = [
  { protocol: 'tcp', port: 8443, address: '192.168.1.20', targetPort: 443, hidden: false, outgoing: true },
  {
    protocol: 'udp',
    port: 27_000,
    lastPort: 27_010,
    address: '192.168.1.20',
    targetPort: 27_000,
    hidden: false,
    outgoing: true,
  },
  { protocol: 'udp', port: 8443, address: '10.86.0.2', targetPort: 443, hidden: true },
  ...[0, 1, 2].map((offset) => ({
    protocol: 'tcp' as const,
    port: 9000 + offset,
    address: '192.168.2.7',
    targetPort: 80 + offset,
    hidden: true,
  })),
]

/** A hub with two devices and a home. */
export function hubSpec(keys: Keys): TunnelSpec {
  return {
    interface: 'hw0',
    publicKey: keys.publicKey,
    address: '10.86.0.1/16',
    mtu: 1420,
    listenPort: 51_820,
    peers: [
      devicePeer(keys, 0, '10.86.0.5'),
      devicePeer(keys, 1, '10.86.0.6'),
      {
        publicKey: keys.peers[3]!,
        presharedKeyId: null,
        endpoint: null,
        allowedIps: ['10.86.0.2/32', '192.168.1.0/24', '192.168.2.0/24'],
        keepaliveSeconds: 0,
      },
    ],
    routes: [
      { prefix: '192.168.1.0/24', mtu: null },
      { prefix: '192.168.2.0/24', mtu: null },
    ],
    forwarding: {
      role: 'hub',
      alternatePorts: [4500, 443],
      echo: ECHO_FLOW,
      heartbeatPort: null,
      devices: ['10.86.0.5', '10.86.0.6'],
      limited: [
        { devices: ['10.86.0.7', '10.86.0.8'], prefixes: ['10.86.0.2/32', '192.168.1.0/24'] },
        {
          devices: ['10.86.0.9'],
          prefixes: [],
          services: [
            { address: '192.168.1.50', protocol: 'tcp', port: 554, lastPort: 554 },
            { address: '192.168.1.50', protocol: 'udp', port: 8000, lastPort: 8010 },
          ],
        },
      ],
      full: ['10.86.0.6'],
      exits: ['10.86.0.5'],
      lans: ['192.168.1.0/24', '192.168.2.0/24'],
      ownServices: {
        open: [
          { protocol: 'udp', port: 53 },
          { protocol: 'tcp', port: 8080 },
        ],
        sshPorts: [22, 2222],
        ownerDevices: ['10.86.0.6'],
      },
      published: PUBLISHED,
    },
  }
}

function devicePeer(keys: Keys, index: number, address: string): PeerSpec {
  const publicKey = keys.peers[index]!
  return {
    publicKey,
    presharedKeyId: presharedKeyId(keys.presharedKeys.get(publicKey)!),
    endpoint: null,
    allowedIps: [`${address}/32`],
    keepaliveSeconds: 0,
  }
}
