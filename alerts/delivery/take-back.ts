import { reasonOf } from '../../problems/problem.ts'
import { backoffMs } from '../../system/time/backoff.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { within } from '../../system/time/within.ts'
import { hostOf } from '../transport/broker-host.ts'
import type { Kept, Retained } from '../transport/retained.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/** Clears what removed channels left at their brokers, also at a broker that is away for now. */
export interface TakeBack {
  /** Whether something is left, and it is time to try. */
  readonly isDue: () => boolean
  /** Tries to clear; true when something was cleared. Never throws. */
  readonly attempt: (signal: AbortSignal) => Promise<boolean>
  /** Brokers that could not be cleared. */
  readonly left: () => readonly string[]
}

const CLEAR_MS = 10_000
const AGAIN = { firstMs: 60_000, ceilingMs: 3_600_000 } as const

export function makeTakeBack(deps: {
  readonly retained: Retained
  /** The present channels; null while their file cannot be read. */
  readonly channels: () => readonly ChannelSettings[] | null
  readonly clock: Clock
  readonly log: Log
}): TakeBack {
  const { retained, channels, clock, log } = deps
  let failures = 0
  let notBefore = -Infinity

  function orphans(): readonly Kept[] {
    const there = channels()
    return there === null ? [] : retained.orphans(there)
  }

  return {
    isDue: () => clock.now() >= notBefore && orphans().length > 0,
    attempt: async (signal) => {
      const all = orphans()
      if (all.length === 0) return false
      // Loaded only where there is something to clear: MQTT costs memory.
      const { clearTopics } = await import('../transport/clear-topics.ts')
      const cleared = await Promise.all(
        all.map(async (kept) => {
          const broker = hostOf(kept.broker)
          try {
            await within(CLEAR_MS, signal, (cut) => clearTopics(kept, kept.topics, cut))
            await retained.forget(kept, kept.topics)
            log.info({ broker }, 'what Home Assistant was told there is cleared')
            return true
          } catch (thrown) {
            if (failures === 0 && !signal.aborted)
              log.warn(
                { broker, why: reasonOf(thrown) },
                'Home Assistant keeps showing what is gone; it is tried again',
              )
            return false
          }
        }),
      )
      failures = cleared.every((one) => one) ? 0 : failures + 1
      notBefore = clock.now() + backoffMs(AGAIN, failures + 1)
      return cleared.some((one) => one)
    },
    left: () => orphans().map(({ broker }) => hostOf(broker)),
  }
}
