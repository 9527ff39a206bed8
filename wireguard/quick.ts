import type { PresharedKey, PrivateKey, PublicKey } from './keys.ts'
import { type Endpoint, formatEndpoint } from './spec.ts'

/** Everything a phone or laptop needs to dial the hub. Holds secrets: it goes to a 0600 file or to the person. */
export interface DeviceConfig {
  readonly name: string
  readonly privateKey: PrivateKey
  /** The device's address with prefix length, e.g. 10.86.0.5/32. */
  readonly address: string
  readonly mtu: number
  /** Resolvers while the tunnel is up, and domains to search after them. Default: the device keeps its own. */
  readonly dns?: readonly string[]
  readonly hub: {
    readonly publicKey: PublicKey
    readonly presharedKey: PresharedKey
    /** A name is allowed here: the WireGuard apps resolve it each time they connect. */
    readonly endpoint: Endpoint
    readonly allowedIps: readonly string[]
    readonly keepaliveSeconds: number
  }
}

/** The text that wg-quick(8) and the WireGuard apps import. */
export function wgQuickText(config: DeviceConfig): string {
  const { dns = [] } = config
  return `# ${config.name}, by homeward. Anyone who has this file can connect as this device: keep it secret.
[Interface]
PrivateKey = ${config.privateKey}
Address = ${config.address}
MTU = ${config.mtu}${dns.length === 0 ? '' : `\nDNS = ${dns.join(', ')}`}

[Peer]
PublicKey = ${config.hub.publicKey}
PresharedKey = ${config.hub.presharedKey}
Endpoint = ${formatEndpoint(config.hub.endpoint)}
AllowedIPs = ${config.hub.allowedIps.join(', ')}
PersistentKeepalive = ${config.hub.keepaliveSeconds}
`
}
