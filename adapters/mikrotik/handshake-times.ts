import type { Clock } from '../../system/time/clock.ts'
import type { HandshakeAt } from './convert.ts'

/** Roughly by how much the router's whole seconds and the way of an answer blur a moment. */
const BLUR_MS = 2_000

/**
 * Turns the ages that a router reports into moments that stay the same while the handshake is the same: neither the
 * rounding to seconds nor a step of this machine's wall clock looks like a new one.
 */
export function handshakeTimes(clock: Clock): HandshakeAt {
  const known = new Map<string, { readonly at: number; readonly since: number }>()
  return (publicKey, ageSeconds) => {
    if (ageSeconds === null) {
      known.delete(publicKey)
      return null
    }
    const at = clock.now() - ageSeconds * 1_000
    const before = known.get(publicKey)
    if (before !== undefined && Math.abs(at - before.at) < BLUR_MS) return before.since
    const since = Math.floor(clock.wall().getTime() / 1_000 - ageSeconds)
    known.set(publicKey, { at, since })
    return since
  }
}
