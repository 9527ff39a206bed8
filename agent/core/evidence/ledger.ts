import { type Endpoint, sameEndpoint } from '../../../wireguard/spec.ts'

/** The mappings the carrier gave the tunnel's flow, as the hub saw them. Times are monotonic milliseconds. */
export interface Ledger {
  readonly current: Mapping | null
  /** How often one mapping followed another, ever. */
  readonly changes: number
}

interface Mapping {
  readonly endpoint: Endpoint
  /** null: the mapping was there before this agent began; the state folder knows since when. */
  readonly since: number | null
}

export interface MappingChange {
  readonly from: Mapping | null
  readonly to: Mapping
  /** How the one before ended: forgotten by a NAT that heard nothing of it for long, or moved; null: there was none. */
  readonly ended: 'port' | 'address' | 'silence' | null
  readonly changes: number
}

/** After what silence a NAT forgets: RFC 4787, REQ-5 wants two minutes; half of the carriers' NATs take one. */
const FORGOTTEN_MS = 60_000

/**
 * Notes the mapping that the hub sees now. The change is null when the mapping is the same as before.
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

export function isAtAnotherAddress({ from, to }: MappingChange): boolean {
  return from !== null && from.endpoint.address !== to.endpoint.address
}

/** The ledger as the last agent left it. @param last the last mapping that it wrote down; null: none. */
export function ledgerFrom(last: (Endpoint & { readonly changes: number }) | null): Ledger {
  if (last === null) return { current: null, changes: 0 }
  const { address, port, changes } = last
  return { current: { endpoint: { address, port }, since: null }, changes }
}
