import { REKEY_AFTER_TIME, REKEY_TIMEOUT } from '../../../wireguard/timers.ts'

/**
 * Whether WireGuard's handshakes pass, seen from their age while data passes. Pure; times are monotonic milliseconds.
 *
 * WireGuard begins a new handshake when a key is two minutes old (REKEY_AFTER_TIME), and repeats it each five seconds
 * (REKEY_TIMEOUT); the old key carries data until it is three minutes old (REJECT_AFTER_TIME). So where something on the
 * path drops handshakes and lets data pass, as deep packet inspection does, there is a minute in which that can be seen.
 */
export interface Handshake {
  /** The last handshake as the machine stamps it, by whatever clock; null: none, or the machine does not say. */
  readonly stamp: number | null
  /** When this stamp was first seen. */
  readonly since: number
}

/** A failback on trial: heartbeats pass on the better endpoint, and a handshake there is yet to prove it. */
export interface Trial {
  readonly since: number
  /** The last handshake when the trial began; `unseen` until a look that began after that. */
  readonly stamp: number | null | 'unseen'
}

export type Verdict = 'waits' | 'proven' | 'failed'

export const NO_HANDSHAKE: Handshake = { stamp: null, since: -Infinity }

/** Rekeying failed four times: a trial ends while the old key still has half a minute to get back with. */
const TRIAL_FAILED_MS = 140_000

/** Rekeying failed seven times, and the key has some twenty seconds left, two looks at an idle machine among them. */
const KEY_ENDS_SOON_MS = 155_000

export function noteHandshake(before: Handshake, stamp: number | null, now: number): Handshake {
  return stamp === before.stamp ? before : { stamp, since: now }
}

/**
 * Judges a trial by a look at the machine.
 * @param askedAt when the look was requested: one from before the trial may have seen a handshake on the fallback late.
 */
export function judgeTrial(
  trial: Trial,
  { stamp, since }: Handshake,
  askedAt: number,
  now: number,
): readonly [Trial, Verdict] {
  if (trial.stamp === 'unseen') {
    if (askedAt < trial.since) return [trial, 'waits']
    // A machine that tells nothing of handshakes can prove nothing by them: the heartbeats that passed must do.
    return [{ ...trial, stamp }, stamp === null ? 'proven' : 'waits']
  }
  if (stamp !== trial.stamp) return [trial, 'proven']
  return [trial, now - since >= TRIAL_FAILED_MS ? 'failed' : 'waits']
}

/**
 * Whether the key will end soon, since the handshakes that should replace it fail.
 * @param misses how many handshakes in a row mean more than this line's loss; where they are more than the key's life has
 * room for, it is the silence after it that tells.
 */
export function isKeyEnding({ stamp, since }: Handshake, misses: number, now: number): boolean {
  return stamp !== null && now - since >= Math.max(KEY_ENDS_SOON_MS, missedHandshakesMs(misses))
}

/** The age of a key for which so many handshakes failed: the first goes out at REKEY_AFTER_TIME, the others REKEY_TIMEOUT apart. */
export function missedHandshakesMs(misses: number): number {
  return REKEY_AFTER_TIME + misses * REKEY_TIMEOUT
}
