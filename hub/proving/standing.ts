import { localTime } from '../../system/time/local-time.ts'
import type { FailingLink, Verdict } from './verdict.ts'

/** What the hub's own checks know of one publication. Pure. `dueAt` and `now`: monotonic milliseconds; times: ISO 8601. */
export interface Standing {
  /** The verdict in force; null: none yet. */
  readonly verdict: Verdict | null
  /** Since when the verdict is in force. */
  readonly since: string | null
  /** The last check that proved the publication. */
  readonly provenAt: string | null
  /** Checks in a row that say otherwise than the verdict in force. */
  readonly doubt: { readonly checks: number; readonly since: string } | null
  /** Checks since the verdict came in force: the pause after failures grows with them. */
  readonly checks: number
  /** The publication was proven once, or nothing spoke against it: that it fails is news. */
  readonly worked: boolean
  /** The port of the hub that answered last: of a range, one that has a service. */
  readonly answeredPort: number | null
  /** What people are told of together: the first of those that began to fail at about the same time. */
  readonly group: { readonly name: string; readonly at: number } | null
  readonly dueAt: number
}

/** The moment of a check. `random`: from 0 to below 1. */
export interface Moment {
  readonly now: number
  readonly at: string
  readonly random: number
}

/** How many checks in a row must say the same before it counts: one lost packet is no news. */
export const CONFIRMED_BY = 3
/** The pause between them: longer than a service needs to begin again. */
export const AGAIN_MS = 5_000
/** The first pause after a failure is confirmed; it doubles up to the usual one. */
export const FAILING_MS = 20_000
/** How long the first checks take turns. */
export const FIRST_WITHIN_MS = 30_000

export function newStanding({ now, random }: Pick<Moment, 'now' | 'random'>): Standing {
  return {
    verdict: null,
    since: null,
    provenAt: null,
    doubt: null,
    checks: 0,
    worked: false,
    answeredPort: null,
    group: null,
    dueAt: now + random * FIRST_WITHIN_MS,
  }
}

/**
 * Takes the verdict of a check. Data that came back counts at once; whatever else is new counts when it was seen thrice
 * in a row, from when it was seen first. @param everyMs the usual pause between two checks.
 */
export function judged(before: Standing, seen: Verdict, moment: Moment, everyMs: number): Standing {
  const found = afterData(before, seen)
  if (found.kind === 'proven') return proven(before, moment, everyMs)
  if (isSame(before.verdict, found)) return again({ ...before, verdict: found, doubt: null }, moment, everyMs)
  // Of a home whose tunnel is down nothing is known: what was in force stays so.
  if (isDark(found) && before.verdict?.kind === 'failing') return { ...before, dueAt: moment.now + AGAIN_MS }
  const doubt = { checks: (before.doubt?.checks ?? 0) + 1, since: before.doubt?.since ?? moment.at }
  // Silence from the beginning says nothing against the publication.
  const isFirstSilence = before.verdict === null && found.kind === 'silent'
  if (doubt.checks < CONFIRMED_BY && !isFirstSilence) return { ...before, doubt, dueAt: moment.now + AGAIN_MS }
  const after = { ...before, verdict: found, since: doubt.since, doubt: null, checks: 0 }
  return again({ ...after, worked: before.worked || found.kind === 'silent', group: null }, moment, everyMs)
}

/** The home went silent: what was proven is so no longer, and is tried as soon as the home is heard again. */
export function interrupted(before: Standing, why: string, { now, at }: Pick<Moment, 'now' | 'at'>): Standing {
  if (before.verdict === null || before.verdict.kind === 'failing') return before
  const verdict = { kind: 'failing', link: 'tunnel', why } as const
  return { ...before, verdict, since: at, doubt: null, checks: 0, dueAt: now }
}

/** Whether people should hear of this change: a way that worked, or seemed to, fails, and not by the tunnel. */
export function isNews(before: Standing, after: Standing): boolean {
  if (after.verdict?.kind !== 'failing' || isDark(after.verdict) || !before.worked) return false
  return before.verdict?.kind !== 'failing' || isDark(before.verdict)
}

/** Whether the publication began to fail, or works again: others at the same host may have as well. */
export function isTurn(before: Standing, after: Standing): boolean {
  return (before.verdict?.kind === 'failing') !== (after.verdict?.kind === 'failing')
}

function proven(before: Standing, { now, at, random }: Moment, everyMs: number): Standing {
  const isSince = before.verdict?.kind === 'proven'
  return {
    ...before,
    verdict: { kind: 'proven' },
    since: isSince ? before.since : at,
    provenAt: at,
    doubt: null,
    checks: isSince ? before.checks + 1 : 1,
    worked: true,
    group: null,
    dueAt: now + jittered(everyMs, random),
  }
}

function again(standing: Standing, { now, random }: Moment, everyMs: number): Standing {
  const isFailing = standing.verdict?.kind === 'failing'
  const pauseMs = isFailing ? Math.min(everyMs, FAILING_MS * 2 ** Math.min(standing.checks, 16)) : everyMs
  return { ...standing, checks: standing.checks + 1, dueAt: now + jittered(pauseMs, random) }
}

/** A tenth to either side, so that checks of many publications do not fall together. */
function jittered(pauseMs: number, random: number): number {
  return Math.round(pauseMs * (0.9 + 0.2 * random))
}

/** A service that answered with data, and is silent now, does not what it did. */
function afterData({ provenAt }: Standing, seen: Verdict): Verdict {
  if (seen.kind !== 'silent' || provenAt === null) return seen
  const why = `it answered until ${localTime(provenAt)}, and no longer answers; ${seen.why}`
  return { kind: 'failing', link: 'service', why }
}

function isSame(before: Verdict | null, found: Verdict): boolean {
  if (before?.kind === 'failing' && found.kind === 'failing') return isDark(before) === isDark(found)
  return before?.kind === found.kind
}

function isDark(verdict: Verdict): boolean {
  return verdict.kind === 'failing' && verdict.link === ('tunnel' satisfies FailingLink)
}
