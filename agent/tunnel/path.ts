import type { Endpoint } from '../../wireguard/spec.ts'
import type { TlsTransport } from '../transport/tls-transport.ts'

/** Where the tunnel goes now and else could go, as the agent last knew. Shared by looks, questions and remedies. */
export interface Path {
  /** The hub's addresses, best first; null before its names were first asked. */
  hubLiterals: readonly string[] | null
  /** Where the interface sends. */
  endpoint: Endpoint | null
  keepaliveSeconds: number
  listenPort: number | null
  /** Where the interface shall send once, wherever it sends: set until it does; null: where it sends. */
  start: Endpoint | null
  /** The TLS transport, while one is open. */
  transport: TlsTransport | null
  /** Visitors are answered through the tunnel, as this machine was last found or set up. */
  visitors: boolean
}

/**
 * Takes what the hub's names resolve to now: those addresses first, and the one in use after them as long as it is
 * used, since a tunnel that works is not moved for a name.
 */
export function noteNamed(path: Path, named: readonly string[]): void {
  const inUse = path.transport === null && path.endpoint !== null ? [path.endpoint.address] : []
  path.hubLiterals = [...new Set([...named, ...inUse])]
}
