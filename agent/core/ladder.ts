import { type Endpoint, formatEndpoint, sameEndpoint } from '../../wireguard/spec.ts'
import type { Cause } from './evidence/cause.ts'
import type { EchoRound, EchoTrust } from './evidence/evidence.ts'

/** One act against a cause, as data. */
export type Remedy =
  /** Another 5-tuple: past a stale NAT entry or a blocked flow, on the return path as well. The session stays. */
  | { readonly kind: 'new-source-port' }
  /** The machine that the tunnel ends on forgets the flow in its own connection table: a stale entry goes. The session stays. */
  | { readonly kind: 'forget-flow' }
  /** The peer is removed and added again at home: a handshake at once, past WireGuard's own 5 s. */
  | { readonly kind: 'new-session' }
  /** Another port or address of the hub. */
  | { readonly kind: 'set-endpoint'; readonly endpoint: Endpoint }
  /** The hub is told again who we are. */
  | { readonly kind: 'register' }
  /** The hub forgets what it remembers of our handshakes, and we begin a new one. */
  | { readonly kind: 'reset' }
  /** WireGuard's datagrams over one TLS connection to the registrar's port. */
  | { readonly kind: 'carrier' }
  /** Nothing is sent for longer than a NAT remembers. */
  | { readonly kind: 'silence'; readonly seconds: number }
  /** The interface is created again. */
  | { readonly kind: 'rebuild' }
  /** Both ends send smaller packets. */
  | { readonly kind: 'set-mtu'; readonly mtu: number }

/** All remedies: `apply`, the plan executed again, and `way-back`, the failback, have no rung of their own. */
export type RemedyKind = Remedy['kind'] | 'apply' | 'way-back'

/** The longest that a NAT in published surveys kept a silent UDP flow (docs/wireguard-behind-nat.md). */
const LONGEST_LIFE_SECONDS = 300

/** How many other endpoints are tried: more ports get past nothing that the first of them did not. */
const MOST_WAYS = 3

export interface Situation {
  readonly round: EchoRound | null
  readonly echoTrust: EchoTrust
  readonly isRegistrarReachable: boolean
  /** How often the whole ladder was tried without success. */
  readonly rounds: number
  readonly lifeSeconds: number | null
  /** The machine that the tunnel ends on can forget a flow: a router has a connection table of its own. */
  readonly canForgetFlow: boolean
  /** The remedy that repaired this cause on this uplink before. */
  readonly helped: string | undefined
}

/** The remedies that the evidence allows, in the order in which they are tried. */
export function ladder(cause: Cause, situation: Situation): readonly Remedy[] {
  const steps = rungs(cause, situation)
  const first = steps.filter((step) => step.kind === situation.helped)
  return [...first, ...steps.filter((step) => step.kind !== situation.helped)]
}

/** A name that tells two remedies apart. */
export function nameOf(remedy: Remedy): string {
  return remedy.kind === 'set-endpoint' ? `set-endpoint ${formatEndpoint(remedy.endpoint)}` : remedy.kind
}

function rungs(cause: Cause, situation: Situation): readonly Remedy[] {
  const others = otherWays(situation).map((endpoint): Remedy => ({ kind: 'set-endpoint', endpoint }))
  const newPort: Remedy = { kind: 'new-source-port' }
  const forgetFlow: readonly Remedy[] = situation.canForgetFlow ? [{ kind: 'forget-flow' }] : []
  const newSession: Remedy = { kind: 'new-session' }
  const reset: readonly Remedy[] = situation.isRegistrarReachable ? [{ kind: 'reset' }] : []
  const isOnTransport = situation.round?.isTransport === true
  const transport: readonly Remedy[] = situation.isRegistrarReachable && !isOnTransport ? [{ kind: 'carrier' }] : []
  const last = situation.rounds === 0 ? [] : lastResorts(situation)
  switch (cause) {
    case 'flow-dead':
    case 'return-dead':
      return [newPort, ...forgetFlow, ...others, newSession, ...transport, ...reset, ...last]
    case 'port-blocked':
      return [...others, newPort, ...forgetFlow, ...transport, ...last]
    case 'endpoint-moved':
      return [...others, ...transport]
    case 'udp-blocked':
      return [...transport, newPort, ...last]
    case 'peer-unknown':
      return [{ kind: 'register' }, ...reset, newSession]
    case 'session-lost':
      return [newSession, newPort, ...forgetFlow, ...reset, ...others, ...transport, ...last]
    case 'handshake-blocked':
      // What drops handshakes by their looks does so on every port; TLS hides them.
      return [...transport, ...others, newPort, newSession, ...reset, ...last]
    case 'handshake-refused':
      return [...reset, newSession, newPort, ...others, ...last]
    case 'home-offline':
    case 'hub-down':
    case 'home-unknown':
    case 'identity-twice':
    case 'mapping-changed':
    case 'mtu-black-hole':
    case 'drift':
      return []
    default:
      return cause satisfies never
  }
}

/** Remedies that cost minutes of darkness, or the session: only after everything else was tried. */
function lastResorts({ lifeSeconds }: Situation): readonly Remedy[] {
  return [{ kind: 'rebuild' }, { kind: 'silence', seconds: Math.round(1.1 * (lifeSeconds ?? LONGEST_LIFE_SECONDS)) }]
}

/** Other endpoints that answered; where echoes are never answered, all that were asked: nothing better is known. */
function otherWays({ round, echoTrust }: Situation): readonly Endpoint[] {
  if (round === null) return []
  const endpoints = echoTrust === 'trusted' ? round.answered : [...round.answered, ...round.silent]
  return endpoints.filter((endpoint) => !sameEndpoint(endpoint, round.current)).slice(0, MOST_WAYS)
}
