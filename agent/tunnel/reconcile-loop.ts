import type { Step } from '../../adapters/step.ts'
import { describeStep } from '../../adapters/describe-step.ts'
import { asProblem, retryAfterOf } from '../../problems/problem.ts'
import type { Log } from '../../system/process/log.ts'
import type { NewEvent } from '../memory/events.ts'
import { makeInbox } from '../../system/process/inbox.ts'
import { backoffMs } from '../../system/time/backoff.ts'

/** Brings the machine to what agent.yaml wants, whenever it is requested, until it is. */
export interface ReconcileLoop {
  /** Looks now, and repairs what differs. */
  readonly request: () => void
  readonly run: (signal: AbortSignal) => Promise<void>
}

const PAUSES = { firstMs: 1_000, ceilingMs: 60_000 } as const

/** @param apply observes, plans and executes once; answers the steps it executed. */
export function makeReconcileLoop(
  apply: (signal: AbortSignal) => Promise<readonly Step[]>,
  note: (event: NewEvent) => void,
  log: Log,
): ReconcileLoop {
  const requests = makeInbox<'look'>()
  let saidWhy: string | null = null
  /** How long what is in the way lasts; null: nobody knows. */
  let lastsMs: number | null = null

  /** @returns null when everything is as wanted, else why not. */
  async function attempt(signal: AbortSignal): Promise<string | null> {
    lastsMs = null
    try {
      const steps = (await apply(signal)).map(describeStep)
      if (steps.length > 0) {
        log.info({ steps }, 'brought this machine to what agent.yaml wants')
        note({ kind: 'applied', steps })
      }
      return null
    } catch (thrown) {
      const { code, message } = asProblem(thrown, 'bringing the tunnel up')
      if (signal.aborted) return null
      const seconds = retryAfterOf(thrown)
      if (seconds !== null) lastsMs = seconds * 1_000 + PAUSES.firstMs
      // How many seconds are left is no other reason.
      const reason = seconds === null ? message : code
      if (reason !== saidWhy) {
        log.error({ code }, message)
        note({ kind: 'apply-failed', code, why: message })
      }
      return reason
    }
  }

  return {
    request: () => requests.put('look'),
    run: async (signal) => {
      while (!signal.aborted) {
        await requests.wait(Number.MAX_SAFE_INTEGER, signal)
        requests.drain()
        for (let failures = 1; !signal.aborted; failures += 1) {
          saidWhy = await attempt(signal)
          if (saidWhy === null) break
          // A new request, for instance a corrected configuration, ends the pause.
          await requests.wait(lastsMs ?? backoffMs(PAUSES, failures), signal)
          if (requests.drain().length > 0) failures = 0
        }
      }
    },
  }
}
