import { type Endpoint, sameEndpoint } from '../../wireguard/spec.ts'

/** The mappings the carrier gave the tunnel's flow, as the hub saw them. Times are monotonic milliseconds. */
export interface Ledger {
  readonly current: Mapping | null
  /** How often one followed another, ever. */
  readonly changes: number
}

interface Mapping {
  readonly endpoint: Endpoint
  /** null: it was there before this agent began; the state folder knows since when. */
  readonly since: number | null
}

export interface MappingChange {
  readonly from: Mapping | null
  readonly to: Mapping
  /** How the one before ended: a NAT that heard nothing of it for long forgot it, else it was moved; null when there was none. */
  readonly ended: 'port' | 'address' | 'silence' | null
  readonly changes: number
}

/** RFC 4787, REQ-5 wants two minutes; half of the carriers' NATs have forgotten a flow after one. */
const FORGOTTEN_MS = 60_000

/**
 * Notes what the hub sees now. The change is null when it is what it was.
 * @param silentMs how long nothing had come through before.
 */
export function noteMapping(
  ledger: Ledger,
  seen: Endpoint,
  now: number,
  silentMs = 0,
): readonly [Ledger, MappingChange | null] {
  const from = ledger.current
  if (sameEndpoint(from?.endpoint ?? null, seen)) return [ledger, null]
  const to: Mapping = { endpoint: seen, since: now }
  const changes = ledger.changes + (from === null ? 0 : 1)
  const ended = from === null ? null : silentMs > FORGOTTEN_MS ? 'silence' : movedBy(from.endpoint, seen)
  return [
    { current: to, changes },
    { from, to, ended, changes },
  ]
}

function movedBy(from: Endpoint, to: Endpoint): 'port' | 'address' {
  return from.address === to.address ? 'port' : 'address'
}
