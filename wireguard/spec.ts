import { hostPort, parseHostPort } from './host-port.ts'
import type { PresharedKeyId, PublicKey } from './keys.ts'

/** An address and a UDP port, e.g. 203.0.113.10:51820. The address is a literal, never a name. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** One peer of an interface, as wanted. Holds no secret: the preshared key is named by its id. */
export interface PeerSpec {
  readonly publicKey: PublicKey
  readonly presharedKeyId: PresharedKeyId | null
  /** The endpoint to send to first; null for a peer that dials us. */
  readonly endpoint: Endpoint | null
  /** Prefixes in canonical CIDR form, sorted. */
  readonly allowedIps: readonly string[]
  /** The interval of the keepalive; 0 is off. */
  readonly keepaliveSeconds: number
}

/** Prints an endpoint the way `wg` does: IPv6 in brackets. */
export function formatEndpoint(endpoint: Endpoint): string {
  return hostPort(endpoint.address, endpoint.port)
}

/** Reads `198.51.100.7:4500` or `[2001:db8::7]:4500`; null for anything else. A zone (`%eth0`) is kept. */
export function parseEndpoint(text: string): Endpoint | null {
  const read = parseHostPort(text)
  // A name is refused: only digits and dots are an IPv4 literal, and only a literal has a colon.
  return read === null || !/^[\d.]+$|:/.test(read.host) ? null : { address: read.host, port: read.port }
}

export function sameEndpoint(a: Endpoint | null, b: Endpoint | null): boolean {
  return a?.address === b?.address && a?.port === b?.port
}
