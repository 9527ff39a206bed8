import { backoffMs } from '../../system/time/backoff.ts'

/** The sort of a member's act, as messages count it. */
export const NOTICE_SORTS = ['join', 'leave', 'key', 'shared', 'lan', 'exit', 'device', 'port', 'wish'] as const
export type NoticeSort = (typeof NOTICE_SORTS)[number]

/** One act of a member that the hub's owner is told of: nothing is broken, but it may be somebody else's act. */
export interface Notice {
  readonly sort: NoticeSort
  /** What was done, after the member's name: `published 8443/tcp to 192.168.1.20:443`. Never a secret. */
  readonly did: string
  /** Commands on the hub against it. */
  readonly undo: readonly string[]
  /** Commands on the hub that fulfil it, where it waits for the owner. */
  readonly allow: readonly string[]
}

/** Notices of one member that make one message. */
export interface NoticeBundle {
  readonly home: string
  /** How many there were of each sort. */
  readonly counts: Readonly<Partial<Record<NoticeSort, number>>>
  /** The first of them, `MOST_LISTED` at most. */
  readonly notices: readonly Notice[]
}

/** What is to be told, by member. Every moment is monotonic milliseconds. */
export type NoticeState = Readonly<Record<string, NoticesOf>>

interface NoticesOf {
  readonly waiting: (NoticeBundle & { readonly since: number }) | null
  /** Messages since the last calm day. */
  readonly told: number
  readonly toldAt: number
}

/**
 * How long notices are collected: the first message after a minute, each further one after twice as long. A member that
 * publishes two hundred ports makes one message, and one that never stops makes a dozen on its first day.
 */
const COLLECT = { firstMs: 60_000, ceilingMs: 6 * 3_600_000 } as const
/** After so long without a message the next one comes after a minute again. */
const CALM_MS = 24 * 3_600_000
/** Notices that a bundle keeps with their words; of the rest it keeps the count. */
export const MOST_LISTED = 20

/** Takes what a member did. */
export function noted(state: NoticeState, home: string, notices: readonly Notice[], now: number): NoticeState {
  if (notices.length === 0) return state
  const { waiting, told, toldAt } = state[home] ?? { waiting: null, told: 0, toldAt: now }
  const before = waiting ?? { home, since: now, counts: {}, notices: [] }
  const counts = { ...before.counts }
  for (const { sort } of notices) counts[sort] = (counts[sort] ?? 0) + 1
  const listed = [...before.notices, ...notices].slice(0, MOST_LISTED)
  return { ...state, [home]: { waiting: { ...before, counts, notices: listed }, told, toldAt } }
}

/** Gives out what was collected for long enough, and forgets members that were calm for a day. */
export function dueNotices(state: NoticeState, now: number): readonly [NoticeState, readonly NoticeBundle[]] {
  const due: NoticeBundle[] = []
  let after: NoticeState | null = null
  for (const [home, of] of Object.entries(state)) {
    const { waiting, toldAt } = of
    const told = now - toldAt >= CALM_MS ? 0 : of.told
    if (waiting === null ? told > 0 : now - waiting.since < backoffMs(COLLECT, told + 1)) continue
    const { [home]: _gone, ...others }: NoticeState = after ?? state
    after = waiting === null ? others : { ...others, [home]: { waiting: null, told: told + 1, toldAt: now } }
    if (waiting !== null) {
      const { since: _since, ...bundle } = waiting
      due.push(bundle)
    }
  }
  return [after ?? state, due]
}
