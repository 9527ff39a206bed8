import { Problem } from '../../problems/problem.ts'
import type { Watch } from '../core/state.ts'
import { IN_USE_MS } from '../core/events.ts'

/** For how long after somebody used the tunnel it is left alone. */
const USED_MS = 120_000

/** What a drill does to the tunnel shows as use for so long after it. */
const ECHO_OF_OWN_MS = 15_000

const WHAT = 'beginning a drill'

/** Refuses a drill of a tunnel that is not well. @throws {Problem} `drill-not-now`. */
export function refuseUnlessWell(watch: Watch): void {
  const why = whyNotWell(watch)
  if (why !== null) throw new Problem('drill-not-now', { what: WHAT, why })
}

/**
 * Refuses a drill of a tunnel that was in use a moment ago, as the hub said in its answers to heartbeats. Moments are
 * monotonic milliseconds.
 * @param ownUntil until when the traffic was a drill's own; -Infinity: there was none.
 * @throws {Problem} `drill-in-use`.
 */
export function refuseWhileInUse(watch: Watch, ownUntil: number, now: number): void {
  const usedAt = watch.inUseUntil - IN_USE_MS
  if (usedAt <= ownUntil + ECHO_OF_OWN_MS || now - usedAt >= USED_MS) return
  const seconds = Math.max(0, Math.round((now - usedAt) / 1_000))
  throw new Problem('drill-in-use', {
    what: WHAT,
    why: `a device, a visitor of a published port or something at home used the tunnel ${seconds} s ago`,
  })
}

/** Why a tunnel is not well enough to be broken on purpose; null: it is. */
export function whyNotWell({ health, heartbeats, registration, remediation, ...watch }: Watch): string | null {
  if (health.kind !== 'up') return 'the tunnel is not up'
  if (heartbeats.missesInARow > 0) return 'heartbeats are missing just now'
  if (watch.isDaemonSilent) return 'homeward on the hub does not answer'
  if (registration.registrar !== 'reachable') return 'the hub does not answer outside the tunnel'
  if (watch.isShared) return 'another machine registers as this home too'
  if (remediation.underWay !== null) return 'something is being repaired'
  if (watch.fallback !== null && watch.fallback.trial === null) return 'the tunnel uses another way than its best one'
  return null
}
