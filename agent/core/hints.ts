/**
 * What the machine itself tells of its changes: hints that a look is worth its cost now. Pure; monotonic milliseconds.
 * Machines lose events and repeat them, and a router tells of much that is nobody's business here. So a hint never says
 * more than "look", the first is followed at once, and those that lead to nothing make the next one wait.
 */
export interface Hints {
  /** The machine tells of all that changes. */
  readonly isFollowed: boolean
  /** The first hint that no look was requested for yet; null: none. */
  readonly hintedAt: number | null
  /** How long after the end of a look a hint is followed. */
  readonly gapMs: number
}

export const NO_HINTS: Hints = { isFollowed: false, hintedAt: null, gapMs: 0 }

/** What belongs together comes together: a script deletes a dozen rows. */
const SETTLE_MS = 30

/** Pauses after looks that hints led to, the longest as between the looks at a machine that tells nothing. */
const GAP_MS = { first: 250, ceiling: 8_000 } as const

/** A machine that has just begun to tell did not tell of what changed before. */
export function noteFollowed(hints: Hints, isFollowed: boolean, now: number): Hints {
  return { ...hints, isFollowed, hintedAt: isFollowed ? (hints.hintedAt ?? now) : hints.hintedAt }
}

export function noteHint(hints: Hints, now: number): Hints {
  return { ...hints, hintedAt: hints.hintedAt ?? now }
}

/** A look was requested, by a hint or by time alone. */
export function noteLooking(hints: Hints): Hints {
  const gapMs = hints.hintedAt === null ? 0 : Math.min(GAP_MS.ceiling, Math.max(GAP_MS.first, hints.gapMs * 2))
  return { ...hints, hintedAt: null, gapMs }
}

/** A look found something of ours changed: hints tell the truth. */
export function noteTrue(hints: Hints): Hints {
  return { ...hints, gapMs: 0 }
}

/** When the hint is to be followed. One that comes during a look waits for its end: that may have read past it already. */
export function hintDueAt({ hintedAt, gapMs }: Hints, reconciledAt: number, lookedAt: number): number {
  if (hintedAt === null || lookedAt < reconciledAt) return Infinity
  return Math.max(hintedAt + SETTLE_MS, lookedAt + gapMs)
}
