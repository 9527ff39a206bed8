import type { Clock } from '../../../system/time/clock.ts'
import type { Exec } from '../ssh/exec.ts'
import { calmScript, look, type Look, partsIn } from './look.ts'

/**
 * How often all is looked at while nothing is in doubt. In between a look costs the router two small programs: what
 * tells of every change but one, a chain of the firewall that somebody flushes by hand, is compared by its checksum.
 * A shell that heeds the router compares that as well.
 */
const ALL_EVERY_MS = { asked: 60_000, heeded: 900_000 } as const

export interface Looks {
  readonly all: (signal: AbortSignal) => Promise<Look>
  /** The last look at all, with WireGuard and the time as they are now, as long as nothing else changed. */
  readonly calm: (signal: AbortSignal) => Promise<Look>
}

/** The shell that heeds the router, where there is one. */
export interface Heeding {
  /**
   * What the look at little says, with `others`; null: there is none. @param own our devices. @param has whether we have
   * policy rules: then those are compared too.
   */
  readonly look: (
    own: readonly string[],
    has: { readonly hasRules: boolean },
    signal: AbortSignal,
  ) => Promise<Look | null>
}

interface Last {
  readonly look: Look
  readonly at: number
  /** The checksum of what no stamp tells of, as it was before that look; null: nobody compared it. */
  readonly others: string | null
}

export function makeLooks(exec: Exec, heed: Heeding, clock: Pick<Clock, 'now'>): Looks {
  let last: Last | null = null

  async function all(signal: AbortSignal): Promise<Look> {
    const [own, has] = [ownIn(last), rulesIn(last)]
    last = null
    // Before all else, as the stamp: what changes while the rest is read differs from this.
    const before = await heed.look(own, has, signal)
    const at = clock.now()
    const seen = await look(exec, signal)
    last = { look: seen, at, others: before?.part('others') ?? null }
    return seen
  }

  async function asked(own: readonly string[], signal: AbortSignal): Promise<Look> {
    const { stdout, stderr } = await exec(calmScript(own), { signal })
    return partsIn(stdout, stderr, ['stamp', 'now', 'wg'])
  }

  return {
    all,
    calm: async (signal) => {
      if (last === null) return all(signal)
      const { look: before, at, others } = last
      const heeded = await heed.look(ownIn(last), rulesIn(last), signal)
      if (clock.now() - at >= (heeded === null ? ALL_EVERY_MS.asked : ALL_EVERY_MS.heeded)) return all(signal)
      if (heeded !== null && heeded.part('others') !== others) return all(signal)
      const now = heeded ?? (await asked(ownIn(last), signal))
      if (now.part('stamp') !== before.part('stamp')) return all(signal)
      return { part: (name) => (name === 'now' || name === 'wg' ? now : before).part(name) }
    },
  }
}

function ownIn(last: Last | null): readonly string[] {
  return last === null ? [] : last.look.part('own').trim().split(/\s+/).filter(Boolean)
}

/** Each of our rules has a table of its own. */
function rulesIn(last: Last | null): { readonly hasRules: boolean } {
  return { hasRules: last !== null && /^table /m.test(last.look.part('answers')) }
}
