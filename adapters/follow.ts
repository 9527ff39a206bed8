/**
 * The events of a machine that tells of its own changes. An event is a hint that a look is worth its cost now, and never
 * proof of anything: events are lost, told twice, late, and out of order.
 */
export interface Heard {
  /** From now on everything of ours that changes is told. What changed before was not, nor is it after the end. */
  readonly begun: () => void
  /** Something of ours, or beside it, may have changed. Also told where some changes are never told: `begun` is not, then. */
  readonly changed: () => void
}

/** Why a machine tells no more, in words for a log. */
export interface FollowEnd {
  /** `unsupported`: this machine never tells, until it is another version. `ended`: it may tell again. */
  readonly kind: 'unsupported' | 'ended'
  readonly why: string
}
