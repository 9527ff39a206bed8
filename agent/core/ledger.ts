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
  /** How the one before ended; null when there was none. */
  readonly ended: 'port' | 'address' | null
  readonly changes: number
}

/** Notes what the hub sees now. The change is null when it is what it was. */
export function noteMapping(ledger: Ledger, seen: Endpoint, now: number): readonly [Ledger, MappingChange | null] {
  const from = ledger.current
  if (sameEndpoint(from?.endpoint ?? null, seen)) return [ledger, null]
  const to: Mapping = { endpoint: seen, since: now }
  const changes = ledger.changes + (from === null ? 0 : 1)
  const ended = from === null ? null : from.endpoint.address === seen.address ? 'port' : 'address'
  return [
    { current: to, changes },
    { from, to, ended, changes },
  ]
}
