import type { PresharedKeyId, PublicKey } from './keys.ts'

/** An address and UDP port, e.g. 203.0.113.10:51820. The address is a literal, never a name. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** One peer of an interface, as wanted. Holds no secret: the preshared key is named by its id. */
export interface PeerSpec {
  readonly publicKey: PublicKey
  readonly presharedKeyId: PresharedKeyId | null
  /** Where to send first; null for a peer that dials us. */
  readonly endpoint: Endpoint | null
  /** Prefixes in canonical CIDR form, sorted. */
  readonly allowedIps: readonly string[]
  /** 0 is off. */
  readonly keepaliveSeconds: number
}

/** Prints an endpoint the way `wg` does: IPv6 in brackets. */
export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.address.includes(':')
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`
}

/** Reads `198.51.100.7:4500` or `[2001:db8::7]:4500`; null when it is neither. A zone (`%eth0`) is kept. */
export function parseEndpoint(text: string): Endpoint | null {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text)
  const address = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (address === undefined || port < 1 || port > 65_535) return null
  return { address, port }
}

export function sameEndpoint(a: Endpoint | null, b: Endpoint | null): boolean {
  return a?.address === b?.address && a?.port === b?.port
}
