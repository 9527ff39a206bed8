import { asProblem } from '../../problems/problem.ts'
import { DRILL_WAYS } from '../../protocol/drill.ts'
import { makeInbox } from '../../system/process/inbox.ts'
import type { Log } from '../../system/process/log.ts'
import { branchSignal } from '../../system/time/branch-signal.ts'
import type { Clock } from '../../system/time/clock.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Drills } from './drills.ts'

/** Drills at the moments that agent.yaml names. */
export interface DrillSchedule {
  /** Follows agent.yaml, which may name other moments now. */
  readonly configured: () => void
  readonly run: (signal: AbortSignal) => Promise<void>
}

export interface DrillScheduleDeps {
  /** A cron expression; null: never. */
  readonly moments: () => string | null
  readonly drills: Pick<Drills, 'start'>
  readonly clock: Clock
  readonly log: Log
}

/** How long a drill that was refused waits, since somebody uses the tunnel or it is not well, and how often it tries. */
const AGAIN_MS = 3_600_000
const MOST_TRIES = 24

export function makeDrillSchedule({ moments, drills, clock, log }: DrillScheduleDeps): DrillSchedule {
  const changes = makeInbox<'configured'>()

  async function drill(signal: AbortSignal): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES && !signal.aborted; tries += 1) {
      try {
        return await drills.start(DRILL_WAYS, 'schedule')
      } catch (thrown) {
        const { code, message } = asProblem(thrown, 'the drill that agent.yaml asks for')
        log.info({ code }, `drill: ${message}`)
        await sleep(AGAIN_MS, signal)
      }
    }
  }

  async function follow(expression: string, signal: AbortSignal): Promise<void> {
    const { schedule } = await import('../../system/time/schedule.ts')
    const changed = branchSignal(signal)
    const waiting = changes.wait(Number.MAX_SAFE_INTEGER, changed.signal).then(() => changed.end())
    try {
      await schedule(expression, drill, clock, changed.signal)
    } catch (thrown) {
      // The expression was checked when agent.yaml was read; still, better no drill than no agent.
      const { code, message } = asProblem(thrown, 'following the moments of drills')
      log.error({ code }, message)
    }
    await waiting
  }

  return {
    configured: () => changes.put('configured'),
    run: async (signal) => {
      while (!signal.aborted) {
        changes.drain()
        const expression = moments()
        if (expression === null) await changes.wait(Number.MAX_SAFE_INTEGER, signal)
        else await follow(expression, signal)
      }
    },
  }
}
