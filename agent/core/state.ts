import type { Endpoint } from '../../wireguard/spec.ts'
import type { Fallback } from './fallback.ts'
import type { Cause } from './evidence/cause.ts'
import type { Remediation } from './remediation.ts'
import type { EchoRound, EchoTrust, Evidence, PeerView, Uplink } from './evidence/evidence.ts'
import type { Health } from './evidence/health.ts'
import type { Heartbeats } from './evidence/heartbeats.ts'
import type { Hints } from './hints.ts'
import type { Remedy, RemedyKind } from './ladder.ts'
import type { Handshake } from './evidence/rekey.ts'
import type { Ledger, MappingChange } from './evidence/ledger.ts'
import type { PathMtu, SizedRound } from './evidence/path-mtu.ts'
import type { Registration, RegistrationOutcome, RegistrationReason } from './evidence/registration.ts'

/** Everything the judge knows of one tunnel. Every moment is monotonic milliseconds. */
export interface Watch {
  readonly settings: WatchSettings
  readonly health: Health
  readonly heartbeats: Heartbeats
  readonly registration: Registration
  readonly ledger: Ledger
  /** Evidence of this silence; none while answers come. */
  readonly evidence: Evidence
  readonly remediation: Remediation
  /** null while the tunnel uses the preferred endpoint. */
  readonly fallback: Fallback | null
  /** Failbacks that failed in a row on this line; a proven one ends the row. */
  readonly failbackFailures: number
  /** The tunnel's last handshake, as looks at the machine saw it. */
  readonly handshake: Handshake
  readonly pathMtu: PathMtu
  readonly asking: Asking
  /** The remedy that last repaired each cause on this line. */
  readonly helped: Readonly<Record<string, string>>
  /** The machine that the tunnel ends on has a connection table that can forget a flow; false until it said so. */
  readonly canForgetFlow: boolean
  /** When a remedy was last executed: changes soon after are its effect. */
  readonly remediedAt: number
  /** When the endpoint last changed: echoes that were asked before speak of the former one. */
  readonly redirectedAt: number
  /** Until when the tunnel counts as used. */
  readonly inUseUntil: number
  /** The last proof of the tunnel came from the hub's machine, not from its daemon. */
  readonly isDaemonSilent: boolean
  /** The hub says that another machine is this home too. */
  readonly isShared: boolean
  /** The tunnel's interface was seen to be gone, and could not be made again. */
  readonly isGone: boolean
}

/** Questions that the judge has under way, and when each was last answered. */
interface Asking {
  readonly isEchoPending: boolean
  readonly echoedAt: number | null
  readonly echoTrust: EchoTrust
  /** The last round that ended, in a silence or not. */
  readonly round: EchoRound | null
  readonly isUplinkPending: boolean
  readonly isProofPending: boolean
  /** When the tunnel was last asked to prove itself; null: never. */
  readonly proofAskedAt: number | null
  /** Something said that nobody listens for heartbeats: whether it came through the tunnel is to be proven. */
  readonly isRefused: boolean
  /** When a look at the machine was last requested, and when one last ended. */
  readonly reconciledAt: number
  readonly lookedAt: number
  readonly hints: Hints
}

export interface WatchSettings {
  /** Time between two heartbeats while all is well and nobody uses the tunnel. */
  readonly heartbeatMs: number
  /** Time between two heartbeats while somebody uses the tunnel. */
  readonly inUseMs: number
  /** 0 … 1, another for each home: spreads what many homes would do at once. */
  readonly jitter: number
  /** The tunnel's MTU as configured, bytes. */
  readonly mtu: number
  /** How long the carrier's NAT keeps a silent mapping, if it was measured. */
  readonly lifeSeconds: number | null
}

export type WatchEvent =
  | { readonly kind: 'tick' }
  | {
      readonly kind: 'answer'
      readonly sequence: number
      readonly mapping: Endpoint | null
      /** Somebody's traffic uses the tunnel. */
      readonly inUse: boolean
      /** The hub wants this home to register, to hear what the hub wants of it. */
      readonly asks: boolean
    }
  /** ICMP port unreachable, which says that nobody listens for heartbeats. Anybody can forge it: it proves nothing. */
  | { readonly kind: 'refused' }
  /** Whether the tunnel carries both ways without the hub's daemon: its machine answered, and WireGuard received it. */
  | { readonly kind: 'tunnel-proof'; readonly carries: boolean }
  | {
      readonly kind: 'registration-ended'
      readonly outcome: RegistrationOutcome
      readonly mapping: Endpoint | null
      /** null when the registrar did not answer. */
      readonly view: PeerView | null
      /** Whether another machine is this home too; left out where the hub did not say. */
      readonly isShared?: boolean
    }
  | { readonly kind: 'echoed'; readonly round: EchoRound; readonly view: PeerView | null }
  | { readonly kind: 'sized'; readonly round: SizedRound }
  | { readonly kind: 'uplink'; readonly uplink: Uplink }
  | {
      readonly kind: 'remedy-ended'
      readonly executed: boolean
      /** Where the interface sends now, when the remedy changed that. */
      readonly endpoint: Endpoint | null
    }
  /** The machine differs from the plan, and the tunnel's interface is made again now, or gets another port. */
  | { readonly kind: 'remaking' }
  /** A look at the machine ended: whether the machine differed from the plan, and was repaired. */
  | {
      readonly kind: 'looked'
      readonly driftRepaired: boolean
      /** The tunnel's interface is gone, and something forbids to make it again for now. Default: that is not so. */
      readonly isGone?: boolean
      /** The last handshake as the machine stamps it; null: none, or it does not say. Left out when the look failed. */
      readonly handshakeAt?: number | null
    }
  /** Whether the machine itself tells of its changes from now on. */
  | { readonly kind: 'followed'; readonly isFollowed: boolean }
  /** The machine says that something may have changed. Proves nothing. */
  | { readonly kind: 'hinted' }
  /** The capabilities of the machine that the tunnel ends on. */
  | { readonly kind: 'described'; readonly canForgetFlow: boolean }
  /** The agent begins with a fallback that worked before it. */
  | {
      readonly kind: 'resumed'
      readonly on: Fallback['on']
      readonly endpoint: Endpoint
      readonly cause: Cause
    }
  /** The TLS transport failed for good, and with it the path through it. */
  | { readonly kind: 'transport-lost' }
  /** What a drill put in the way of the preferred endpoint is gone. */
  | { readonly kind: 'freed' }
  | { readonly kind: 'configured'; readonly settings: WatchSettings }

/** What the judge wants done; the effects do it. */
export type Action =
  | { readonly kind: 'send-heartbeat'; readonly sequence: number }
  /** Answered by one `registration-ended`, whatever happens. */
  | { readonly kind: 'register'; readonly reason: RegistrationReason }
  /** Answered by one `echoed`. */
  | { readonly kind: 'ask-echoes' }
  /** Answered by one `sized`. */
  | { readonly kind: 'ask-sizes'; readonly sizes: readonly number[] }
  /** Answered by one `uplink`. */
  | { readonly kind: 'test-uplink' }
  /** Answered by one `tunnel-proof`. */
  | { readonly kind: 'prove-tunnel' }
  /** Looks whether the machine is as it should be, and repairs what is not. Answered by a `looked`, sooner or later. */
  | { readonly kind: 'reconcile' }
  /** Answered by one `remedy-ended`, whatever happens; never two at once. */
  | { readonly kind: 'remedy'; readonly remedy: Remedy }
  /** The failback is proven: the fallback's TLS transport may be closed. */
  | { readonly kind: 'close-transport' }
  | { readonly kind: 'tell-health'; readonly from: Health; readonly to: Health }
  | { readonly kind: 'tell-cause'; readonly cause: Cause }
  | { readonly kind: 'tell-mapping'; readonly change: MappingChange }
  | { readonly kind: 'tell-remedy'; readonly report: RemedyReport }

/** Actions worth telling people, now or later. */
export type Told = Extract<Action, { kind: 'tell-health' | 'tell-cause' | 'tell-mapping' | 'tell-remedy' }>

interface RemedyReport {
  readonly remedy: RemedyKind
  readonly cause: Cause
  readonly helped: boolean
  readonly seconds: number
}
