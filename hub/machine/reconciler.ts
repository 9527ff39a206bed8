import { applyDesired } from '../../adapters/apply.ts'
import type { Adapter } from '../../adapters/adapter.ts'
import type { TunnelSpec } from '../../adapters/spec.ts'
import type { Step } from '../../adapters/step.ts'
import { asProblem, type Problem } from '../../problems/problem.ts'
import { makeMutex } from '../../system/process/mutex.ts'

/** Brings the machine to its desired state, one apply at a time. */
export interface Reconciler {
  /**
   * Ends when everything that was wanted at the call is in place. Calls share the next run that has not begun.
   * @throws {Problem} why that failed.
   */
  readonly reconcile: () => Promise<void>
  /** Changes the machine while no reconciling runs; the next one waits for it. */
  readonly alone: (act: () => Promise<void>) => Promise<void>
  /** The problem of the last run; null when everything is in place. */
  readonly problem: Problem | null
  /** Warnings of the last run, which did not stop it; null before the first has ended. */
  readonly warnings: readonly string[] | null
  /** Waits for the runs under way. */
  readonly settled: () => Promise<void>
}

export interface ReconcilerDeps {
  readonly adapter: Adapter
  /** Asked at the beginning of each run. */
  readonly desired: () => Promise<TunnelSpec>
  readonly onStep: (step: Step) => void
  readonly timeoutMs?: number
}

/** How long an apply may take: more than a thousand peers need on a small VPS; one that hangs longer never ends. */
const APPLY_TIMEOUT_MS = 60_000

export function makeReconciler({ adapter, desired, onStep, timeoutMs = APPLY_TIMEOUT_MS }: ReconcilerDeps): Reconciler {
  let problem: Problem | null = null
  let warnings: readonly string[] | null = null
  const mutex = makeMutex()
  /** A run that has not begun: everything wanted meanwhile is part of it. */
  let waiting: Promise<void> | null = null

  async function run(): Promise<void> {
    waiting = null
    try {
      await applyDesired(adapter, [await desired()], AbortSignal.timeout(timeoutMs), {
        onStep,
        onWarnings: (found) => {
          warnings = found
        },
      })
      problem = null
    } catch (thrown) {
      problem = asProblem(thrown, 'bringing the tunnel’s interface and firewall up to date')
      throw problem
    }
  }

  return {
    get problem() {
      return problem
    },
    get warnings() {
      return warnings
    },
    reconcile: () => {
      waiting ??= mutex.runExclusive(run)
      return waiting
    },
    alone: (act) => mutex.runExclusive(act),
    settled: mutex.settled,
  }
}
