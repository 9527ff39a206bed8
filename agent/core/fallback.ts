import { backoffMs } from '../../system/time/backoff.ts'
import { type Endpoint, sameEndpoint } from '../../wireguard/spec.ts'
import type { Cause } from './evidence/cause.ts'
import type { EchoRound } from './evidence/evidence.ts'
import type { Trial } from './evidence/rekey.ts'

/**
 * Fallback to another endpoint or transport than the preferred one, and the failback. Pure; times are monotonic milliseconds.
 * TLS costs more than UDP, and a low port's NAT state lives shorter: a fallback is not for ever.
 */
export interface Fallback {
  readonly on: 'transport' | 'endpoint'
  /** Where the interface sends now. */
  readonly current: Endpoint
  /** Why the tunnel fell back. */
  readonly cause: Cause
  readonly since: number
  /** Rounds in a row in which the better endpoint answered. */
  readonly goodRounds: number
  /** Failbacks from this line's fallbacks that failed in a row, those of an earlier agent included. */
  readonly failures: number
  /** No failback before this moment. */
  readonly notBefore: number
  /** The failback that is on trial while the fallback is held ready; null while the tunnel uses the fallback. */
  readonly trial: Trial | null
}

const GOOD_ROUNDS = 3
const EVERY_MS = { transport: 10_000, endpoint: 60_000 } as const

/** How long a fallback stays at least: a port dead a minute ago may be dead in the next; the other one does as well. */
const STAY_MS = { transport: 0, endpoint: 300_000 } as const

const PAUSES = { firstMs: 60_000, ceilingMs: 3_600_000 } as const

/** @param failures failbacks that failed in a row on this line: they make the next one rarer. */
export function fellBack(on: Fallback['on'], current: Endpoint, cause: Cause, now: number, failures = 0): Fallback {
  const stayMs = Math.max(STAY_MS[on], failures === 0 ? 0 : backoffMs(PAUSES, failures))
  return { on, current, cause, since: now, goodRounds: 0, failures, notBefore: now + stayMs, trial: null }
}

/** How long after one round of echoes the next is due. */
export function failbackEveryMs({ on }: Fallback): number {
  return EVERY_MS[on]
}

export function noteFailbackRound(fallback: Fallback, round: EchoRound): Fallback {
  return { ...fallback, goodRounds: betterEndpoint(fallback, round) === null ? 0 : fallback.goodRounds + 1 }
}

/** Where to fail back to now; null while that is not sure enough. */
export function failback(fallback: Fallback, round: EchoRound | null, now: number): Endpoint | null {
  if (round === null || fallback.trial !== null) return null
  if (fallback.goodRounds < GOOD_ROUNDS || now < fallback.notBefore) return null
  return betterEndpoint(fallback, round)
}

/** Heartbeats pass after a failback: a handshake is yet to prove it, with the fallback held ready. */
export function onTrial(fallback: Fallback, now: number): Fallback {
  return { ...fallback, goodRounds: 0, trial: { since: now, stamp: 'unseen' } }
}

/** A failback failed: nothing was heard after it, or no handshake passed. The next one comes later, each time later still. */
export function noteFailbackFailed(fallback: Fallback, now: number): Fallback {
  const failures = fallback.failures + 1
  return { ...fallback, goodRounds: 0, failures, notBefore: now + backoffMs(PAUSES, failures), trial: null }
}

/** What was in the way of the better endpoint is known to be gone: the next round in which it answers leads back to it. */
export function hurried(fallback: Fallback, now: number): Fallback {
  return { ...fallback, goodRounds: GOOD_ROUNDS - 1, notBefore: now }
}

/** The better endpoint that answered: any UDP is better than TLS; of other endpoints only the preferred one is. */
function betterEndpoint({ on }: Fallback, { answered, preferred }: EchoRound): Endpoint | null {
  const first = answered.find((endpoint) => sameEndpoint(endpoint, preferred))
  return first ?? (on === 'transport' ? (answered[0] ?? null) : null)
}
