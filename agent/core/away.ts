import { backoffMs } from '../../system/time/backoff.ts'
import { type Endpoint, sameEndpoint } from '../../wireguard/spec.ts'
import type { Cause } from './cause.ts'
import type { EchoRound } from './evidence.ts'

/**
 * The tunnel takes another way than the preferred one, and the way back. Pure; times are monotonic milliseconds.
 * The carrier costs more than UDP, and a low port's NAT state lives shorter: a detour is not for ever.
 */
export interface Away {
  readonly on: 'carrier' | 'way'
  /** Where it is now. */
  readonly current: Endpoint
  /** Why it went there. */
  readonly cause: Cause
  readonly since: number
  /** In a row, in which the better way answered. */
  readonly goodRounds: number
  /** Ways back in vain. */
  readonly failures: number
  /** No way back before this. */
  readonly notBefore: number
}

const GOOD_ROUNDS = 3
const EVERY_MS = { carrier: 10_000, way: 60_000 } as const

/** A port that was dead a minute ago may be dead in the next; the other one does as well meanwhile. */
const STAY_MS = { carrier: 0, way: 300_000 } as const

const PAUSES = { firstMs: 60_000, ceilingMs: 3_600_000 } as const

export function wentAway(on: Away['on'], current: Endpoint, cause: Cause, now: number): Away {
  return { on, current, cause, since: now, goodRounds: 0, failures: 0, notBefore: now + STAY_MS[on] }
}

/** How long after one round of echoes the next is due. */
export function lookBackEveryMs({ on }: Away): number {
  return EVERY_MS[on]
}

export function noteLookBack(away: Away, round: EchoRound): Away {
  return { ...away, goodRounds: betterWay(away, round) === null ? 0 : away.goodRounds + 1 }
}

/** Where to go back to now; null while it is not sure enough. */
export function wayBack(away: Away, round: EchoRound | null, now: number): Endpoint | null {
  if (round === null || away.goodRounds < GOOD_ROUNDS || now < away.notBefore) return null
  return betterWay(away, round)
}

/** The way back did not answer: later again, and then later still. */
export function noteWayBackFailed(away: Away, now: number): Away {
  const failures = away.failures + 1
  return { ...away, goodRounds: 0, failures, notBefore: now + backoffMs(PAUSES, failures) }
}

/** From the carrier any UDP is better; from another port or address only the preferred one is. */
function betterWay({ on }: Away, { answered, preferred }: EchoRound): Endpoint | null {
  const first = answered.find((way) => sameEndpoint(way, preferred))
  return first ?? (on === 'carrier' ? (answered[0] ?? null) : null)
}
