import type { PublicKey } from '../wireguard/keys.ts'
import type { Endpoint, PeerSpec } from '../wireguard/spec.ts'
import type { Observation } from './observation.ts'
import type { TunnelSpec } from './spec.ts'
import type { Plan, Step } from './step.ts'

/**
 * One kind of machine that can end a tunnel. The duties of every adapter:
 *
 * - idempotent: after a plan was executed, the next plan is empty;
 * - every object it makes bears homeward's mark, and nothing without the mark is ever changed or removed;
 * - a tunnel that is as wanted is touched by no step that another one needs, and no packet of it is lost for it;
 * - undo needs the marks alone: `plan(observation, [])` removes everything of ours, with no saved state;
 * - every wait has a timeout and obeys the signal; it never prompts;
 * - an error is a Problem: what failed, on which device, why, what to do next;
 * - the vendor's words never leave its folder; secrets never appear in steps, errors or arguments.
 */
export interface Adapter {
  /** What this machine is. Probes once, then remembers. */
  readonly describe: (signal: AbortSignal) => Promise<Description>
  /** What is there now: all that bears our mark, and what would be in its way. */
  readonly observe: (signal: AbortSignal) => Promise<Observation>
  /**
   * The ordered steps from what is to what should be. Pure. Each tunnel by itself: one that is as wanted is not touched,
   * whatever becomes of the others. None wants everything of ours gone.
   */
  readonly plan: (observed: Observation, desired: readonly TunnelSpec[]) => Plan
  /**
   * Carries out one of the steps that this kind of machine declares (executing.ts); whoever applies stops at the first that fails, unless it is one in a firewall of somebody else.
   * @throws {Problem} `step-failed`, or what says it better: `port-taken`, `interface-taken`, `no-wireguard`,
   * `tool-missing`, `no-root`.
   */
  readonly execute: (step: Step, signal: AbortSignal) => Promise<void>
  /**
   * Changes the running tunnel to get it past a fault, and nothing of what is wanted: the next plan is as empty as before.
   * @throws {Problem} `step-failed`.
   */
  readonly remedy: (remedy: Remedy, signal: AbortSignal) => Promise<void>
  readonly close: () => Promise<void>
}

/** What a machine may be able to do to its running tunnel. Killed in the midst of one, it ends right: at the latest by the next plan. */
export type Remedy =
  /**
   * The interface sends from another UDP port, at once. Session and keys stay; every NAT and firewall on the way sees a
   * flow it has not known. The peer's keepalive is and stays what is given.
   */
  | {
      readonly kind: 'new-source-port'
      readonly interface: string
      readonly peer: PublicKey
      readonly keepaliveSeconds: number
    }
  /** The peer is taken out, nothing is sent for so long, and it is put in again: a handshake at once. */
  | {
      readonly kind: 'new-session'
      readonly interface: string
      readonly peer: PeerSpec
      readonly silentSeconds: number
    }
  /** The machine's own NAT and connection table forget the flow to this place; none there is as good. */
  | { readonly kind: 'forget-flow'; readonly interface: string; readonly endpoint: Endpoint }
  /** The interface begins again, as far as its key lives through it. It may be gone until the next plan is carried out. */
  | { readonly kind: 'rebuild'; readonly interface: string }

export interface Description {
  readonly kind: 'linux' | 'mikrotik' | 'openwrt'
  /** For people, e.g. `Debian GNU/Linux 12 (bookworm)`. */
  readonly model: string
  /** Version of the kernel or of the router's system. */
  readonly version: string
  readonly dataPlane: 'kernel' | 'userspace'
  /** The remedies it is capable of. */
  readonly remedies: readonly Remedy['kind'][]
}
