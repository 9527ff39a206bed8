import type { PublicKey } from '../wireguard/keys.ts'
import type { Endpoint, PeerSpec } from '../wireguard/spec.ts'
import type { FollowEnd, Heard } from './follow.ts'
import type { Observation } from './observation.ts'
import type { TunnelSpec } from './spec.ts'
import type { Plan, Step } from './step.ts'

/**
 * One kind of machine that can end a tunnel. The duties of every adapter:
 *
 * - idempotent: after a plan was executed, the next plan is empty;
 * - every object it makes bears homeward's mark, and nothing without the mark is ever changed or removed;
 * - a tunnel that is as wanted is touched by no step that another one needs, and no packet of it is lost for it;
 * - undo needs only the marks: `plan(observation, [])` removes everything of ours, with no saved state;
 * - every wait has a timeout and obeys the signal; it never prompts;
 * - an error is a Problem: what failed, on which device, why, what to do next;
 * - the vendor's words never leave its folder; secrets never appear in steps, errors or arguments.
 */
export interface Adapter {
  /** Tells what this machine is. Probes once, then remembers. */
  readonly describe: (signal: AbortSignal) => Promise<Description>
  /**
   * Reads what is on the machine now: all objects with our mark, and what would be in their way.
   * @param pace `calm`: nothing is in doubt, so that what costs the machine much may be as it was a minute ago, unless
   * something tells that it changed. Default: all is read.
   */
  readonly observe: (signal: AbortSignal, pace?: 'calm') => Promise<Observation>
  /**
   * The ordered steps from what is to what should be. Pure. Each tunnel by itself: one that is as wanted is not
   * touched, whatever becomes of the others. An empty list removes everything of ours.
   */
  readonly plan: (observed: Observation, desired: readonly TunnelSpec[]) => Plan
  /**
   * Executes one of the steps that this kind of machine declares (executing.ts). The caller stops at the first step
   * that fails, unless that step is in a firewall of somebody else.
   * @throws {Problem} `step-failed`, or a more telling one: `port-taken`, `interface-taken`, `no-wireguard`,
   * `tool-missing`, `no-root`.
   */
  readonly execute: (step: Step, signal: AbortSignal) => Promise<void>
  /**
   * Gets the running tunnel past a fault and changes nothing of what is wanted: the next plan is as empty as before.
   * @throws {Problem} `step-failed`.
   */
  readonly remedy: (remedy: TunnelRepair, signal: AbortSignal) => Promise<void>
  /**
   * Hears what the machine itself tells of changes, until the signal aborts or it tells no more; nothing of it stays on
   * the machine then. Never throws. Left out: this kind is looked at, and tells nothing.
   */
  readonly follow?: (heard: Heard, signal: AbortSignal) => Promise<FollowEnd>
  readonly close: () => Promise<void>
}

/** What a machine may be able to do to its running tunnel. The next plan at the latest repairs one that was killed. */
export type TunnelRepair =
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
  /** The machine's own NAT and connection table forget the flow to this place; no such flow is also fine. */
  | { readonly kind: 'forget-flow'; readonly interface: string; readonly endpoint: Endpoint }
  /** The interface begins again, as far as its key survives that. It may be gone until the next plan is executed. */
  | { readonly kind: 'rebuild'; readonly interface: string }

export interface Description {
  readonly kind: 'linux' | 'mikrotik' | 'openwrt'
  /** A name for people, e.g. `Debian GNU/Linux 12 (bookworm)`. */
  readonly model: string
  /** The version of the kernel or of the router's system. */
  readonly version: string
  readonly dataPlane: 'kernel' | 'userspace'
  /** The remedies that the machine is capable of. */
  readonly remedies: readonly TunnelRepair['kind'][]
}
