import { reasonOf } from '../../problems/problem.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import { makeInbox } from '../../system/process/inbox.ts'
import type { UplinkFacts, UplinkMemory } from '../memory/uplink-memory.ts'
import type { BindingLifetime } from './binding-lifetime.ts'

/** Keeps up to date how long this line's NATs hold a silent flow. */
export interface LifetimeWatch {
  /** Requests a new measurement when there is time, since the lifetime may be another one now. */
  readonly request: () => void
  readonly run: (signal: AbortSignal) => Promise<void>
}

export interface LifetimeWatchDeps {
  readonly uplink: UplinkMemory
  /** The endpoint in use over UDP while the tunnel is well; null while it is not, or uses no UDP. */
  readonly endpoint: () => Endpoint | null
  /** Measures; takes minutes. */
  readonly measure: (endpoint: Endpoint, signal: AbortSignal) => Promise<BindingLifetime>
  /** Tells of a new lifetime: the plan may want another keepalive. */
  readonly onMeasured: (uplink: UplinkFacts) => void
  readonly clock: Clock
  readonly log: Log
  readonly lookEveryMs?: number
}

/** How often a measurement is considered: not at once after the tunnel came up, seldom while it does not. */
const LOOK_EVERY_MS = 10_000

/** The age after which a measurement is repeated: carriers change their NATs without notice. */
const WEEK_MS = 7 * 86_400_000

/** The least gap: an address that changes each minute must not be measured each minute. */
const LEAST_GAP_MS = 3_600_000

/** Measures at the first start, each week, and whenever it is asked to. */
export function makeLifetimeWatch(deps: LifetimeWatchDeps): LifetimeWatch {
  const { uplink, endpoint, measure, onMeasured, clock, log, lookEveryMs = LOOK_EVERY_MS } = deps
  const requests = makeInbox<'measure'>()
  let measuredAt = -Infinity

  /** Goes by age, not by the calendar: cron would cost each agent 13 MB, and would miss a home that is off at four. */
  function isOld(): boolean {
    const { lifeMeasuredAt } = uplink.current
    return lifeMeasuredAt === null || clock.wall().getTime() - Date.parse(lifeMeasuredAt) > WEEK_MS
  }

  async function attempt(over: Endpoint, signal: AbortSignal): Promise<void> {
    measuredAt = clock.now()
    const { lifeSeconds } = await measure(over, signal)
    // Without a result, what was known before may still hold.
    if (lifeSeconds === null || signal.aborted) return
    log.info({ lifeSeconds }, 'measured how long this line keeps a silent flow')
    const lost = await uplink.change({ lifeSeconds, lifeMeasuredAt: clock.wall().toISOString() })
    if (lost !== null) log.warn({ why: lost }, 'what was measured could not be written down')
    onMeasured(uplink.current)
  }

  return {
    request: () => requests.put('measure'),
    run: async (signal) => {
      let isDue = isOld()
      while (!signal.aborted) {
        if (isDue) await sleep(lookEveryMs, signal)
        else await requests.wait(LEAST_GAP_MS, signal)
        isDue = requests.drain().length > 0 || isDue || isOld()
        const over = endpoint()
        if (!isDue || over === null || clock.now() - measuredAt < LEAST_GAP_MS || signal.aborted) continue
        try {
          await attempt(over, signal)
        } catch (thrown) {
          log.error({ why: reasonOf(thrown) }, 'the life of a mapping could not be measured')
        }
        isDue = isOld()
      }
    },
  }
}
