import type { PublicKey } from '../../wireguard/keys.ts'

/** Peers with which a handshake is being triggered: since when, and when last. Monotonic milliseconds. */
export type RecoveryAttempts = ReadonlyMap<PublicKey, { readonly since: number; readonly lastAt: number }>

/** When to try again: WireGuard repeats the initiation each 5 s (REKEY_TIMEOUT) while something waits to be sent. */
const TRY_AGAIN_MS = 5_000
/** When to give up: a mapping without an answer for so long is gone, and its peer will connect without our help. */
const TRY_FOR_MS = 60_000

/** Peers to trigger a handshake with now, of those whose session is lost. Pure. */
export function dueAttempts(attempts: RecoveryAttempts, lost: readonly PublicKey[], now: number): readonly PublicKey[] {
  return lost.filter((key) => {
    const call = attempts.get(key)
    return call === undefined || (now - call.lastAt >= TRY_AGAIN_MS && now - call.since <= TRY_FOR_MS)
  })
}

export function afterAttempts(attempts: RecoveryAttempts, tried: readonly PublicKey[], now: number): RecoveryAttempts {
  const anew = tried.map((key) => [key, { since: attempts.get(key)?.since ?? now, lastAt: now }] as const)
  return new Map([...attempts, ...anew])
}

/** Attempts without those for other peers, which came back or begin again. */
export function keptAttempts(attempts: RecoveryAttempts, isKept: (key: PublicKey) => boolean): RecoveryAttempts {
  return new Map([...attempts].filter(([key]) => isKept(key)))
}
