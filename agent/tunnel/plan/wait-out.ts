import { Problem, retryAfterOf } from '../../../problems/problem.ts'
import type { Clock } from '../../../system/time/clock.ts'
import { sleep } from '../../../system/time/sleep.ts'

export interface WaitOptions {
  /** Tells the person once what is waited for, and how long. */
  readonly tell: (line: string) => void
  readonly clock: Pick<Clock, 'now'>
  readonly signal: AbortSignal
}

/** How long a router's owner is waited for: LuCI's timer takes 90 s, unless its settings say more. */
const MOST_MS = 180_000
/** How often it is tried again: the owner may confirm at any moment. */
const AGAIN_MS = 3_000

/**
 * Tries again while something on a router ends by itself, such as an apply of LuCI's that waits for its confirmation.
 * @throws what `act` does, where waiting does not help or would take too long.
 */
export async function waitOut<Result>(
  act: () => Promise<Result>,
  { tell, clock, signal }: WaitOptions,
): Promise<Result> {
  const until = clock.now() + MOST_MS
  for (let isTold = false; ; isTold = true) {
    try {
      return await act()
    } catch (thrown) {
      const seconds = retryAfterOf(thrown)
      if (!(thrown instanceof Problem) || seconds === null || clock.now() + seconds * 1_000 > until) throw thrown
      if (!isTold) tell(`Waiting, for ${seconds} s at most: ${thrown.why} …`)
      await sleep(Math.min(seconds * 1_000, AGAIN_MS), signal)
      if (signal.aborted) throw thrown
    }
  }
}
