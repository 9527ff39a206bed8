import type { Clock } from '../../system/time/clock.ts'

/** Tells how old the last handshake is, by the monotonic clock. */
export interface HandshakeAge {
  /** @param lastHandshakeAt as `wg` prints it, seconds since 1970; null before the first. */
  readonly seconds: (lastHandshakeAt: number | null) => number | null
}

/**
 * The kernel stamps handshakes with the wall clock, which may jump. So the time counts from when the stamp was first
 * seen, and only the stamp's small age at that moment is taken from the wall clock.
 */
export function makeHandshakeAge(clock: Clock): HandshakeAge {
  let seen: { readonly stamp: number; readonly ageMs: number; readonly at: number } | null = null
  return {
    seconds: (stamp) => {
      if (stamp === null) return null
      const now = clock.now()
      if (seen?.stamp !== stamp) seen = { stamp, ageMs: Math.max(0, clock.wall().getTime() - stamp * 1_000), at: now }
      return (seen.ageMs + now - seen.at) / 1_000
    },
  }
}
