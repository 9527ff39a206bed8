/**
 * When a published port is left to a program of this machine that listens there: one that was restarting while a home
 * published its port would else be shadowed for good. Pure. Visitors are not led away for a socket of a moment, nor back
 * for a restart.
 */

/** What is known of a published port at which somebody listens, or did. Monotonic milliseconds. */
interface Watched {
  readonly since: number
  readonly lastSeen: number
  readonly yielded: boolean
}

/** By port, as `443/tcp`. */
export type WatchedPorts = ReadonlyMap<string, Watched>

/** How long a program must have been listening: two looks and more. */
const STAYS_MS = 8_000
/** How long one may be away until its port leads home again: an upgrade takes minutes. */
const AWAY_MS = 600_000

/** @param listening published ports at which programs listen now. @param isPublished whether a port is it still. */
export function nextWatched(
  before: WatchedPorts,
  listening: ReadonlySet<string>,
  isPublished: (port: string) => boolean,
  now: number,
): WatchedPorts {
  const next = new Map<string, Watched>()
  for (const [port, watched] of before) {
    if (!isPublished(port) || listening.has(port)) continue
    if (watched.yielded && now - watched.lastSeen < AWAY_MS) next.set(port, watched)
  }
  for (const port of listening) {
    if (!isPublished(port)) continue
    const { since = now, yielded = false } = before.get(port) ?? {}
    next.set(port, { since, lastSeen: now, yielded: yielded || now - since >= STAYS_MS })
  }
  return next
}

export function yieldedIn(watched: WatchedPorts): ReadonlySet<string> {
  return new Set([...watched].flatMap(([port, { yielded }]) => (yielded ? [port] : [])).sort())
}
