import type { Clock } from '../../../system/time/clock.ts'
import type { Exec } from '../ssh/exec.ts'
import { calmScript, look, type Look, partsIn } from './look.ts'

/**
 * How often all is looked at while nothing is in doubt. In between a look costs the router two small programs: what
 * tells of every change but one, a chain of the firewall that somebody flushes by hand, is compared by its checksum.
 */
const ALL_EVERY_MS = 60_000

export interface Looks {
  readonly all: (signal: AbortSignal) => Promise<Look>
  /** The last look at all, with WireGuard and the time as they are now, as long as nothing else changed. */
  readonly calm: (signal: AbortSignal) => Promise<Look>
}

export function makeLooks(exec: Exec, clock: Pick<Clock, 'now'>): Looks {
  let last: { readonly look: Look; readonly at: number } | null = null

  async function all(signal: AbortSignal): Promise<Look> {
    last = null
    const at = clock.now()
    const seen = await look(exec, signal)
    last = { look: seen, at }
    return seen
  }

  return {
    all,
    calm: async (signal) => {
      if (last === null || clock.now() - last.at >= ALL_EVERY_MS) return all(signal)
      const { look: before } = last
      const { stdout, stderr } = await exec(calmScript(before.part('own').trim().split(/\s+/).filter(Boolean)), {
        signal,
      })
      const now = partsIn(stdout, stderr, ['stamp', 'now', 'wg'])
      if (now.part('stamp') !== before.part('stamp')) return all(signal)
      return { part: (name) => (name === 'now' || name === 'wg' ? now : before).part(name) }
    },
  }
}
