import { sleep } from '../../system/time/sleep.ts'
import { branchSignal } from '../../system/time/branch-signal.ts'

/**
 * Homes that wait for the moment of a change, so that they hear of it at once and not by missing heartbeats: each asks, and
 * is answered when the hub has changed.
 */
export interface GatheredHomes {
  /** Resolves when all of these wait, or after so long. */
  readonly gather: (homes: readonly string[], atMostMs: number) => Promise<void>
  /** Holds a home's answer back until `release`, where homes are gathered and this is one of them. */
  readonly hold: (home: string) => Promise<void>
  /** Whether a home is gathered and has not asked yet. */
  readonly isAwaited: (home: string) => boolean
  readonly release: () => void
}

interface Gathering {
  readonly awaited: Set<string>
  readonly complete: () => void
  readonly released: Promise<void>
  readonly release: () => void
}

export function makeGatheredHomes(): GatheredHomes {
  let gathering: Gathering | null = null

  return {
    gather: async (homes, atMostMs) => {
      const late = branchSignal()
      let release: () => void = () => undefined
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      gathering = { awaited: new Set(homes), complete: late.end, released, release }
      if (homes.length > 0) await sleep(atMostMs, late.signal)
      late.end()
    },
    hold: async (home) => {
      if (gathering === null) return
      const { awaited, complete, released } = gathering
      if (!awaited.delete(home)) return
      if (awaited.size === 0) complete()
      await released
    },
    isAwaited: (home) => gathering?.awaited.has(home) === true,
    release: () => {
      gathering?.release()
      gathering = null
    },
  }
}
