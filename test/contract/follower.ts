import type { Adapter } from '../../adapters/adapter.ts'
import { reasonOf } from '../../problems/problem.ts'
import { sleep } from '../../system/time/sleep.ts'

/** Who follows what a machine tells, and counts. */
export interface Follower {
  /** @returns null once all is told; else why not. */
  readonly begin: () => Promise<string | null>
  /** Waits until a change was told more often than so, 20 s at most. @returns how often. */
  readonly told: (after: number, signal: AbortSignal) => Promise<number>
  readonly stop: () => Promise<void>
}

const MOST_WAITED_MS = 20_000

export function makeFollower(adapter: Adapter): Follower {
  const ending = new AbortController()
  let ended: Promise<unknown> = Promise.resolve()
  let count = 0
  return {
    begin: () =>
      new Promise((resolve) => {
        if (adapter.follow === undefined) return resolve('this kind of machine tells nothing')
        ended = adapter.follow({ begun: () => resolve(null), changed: () => void (count += 1) }, ending.signal).then(
          ({ why }) => resolve(why),
          (thrown: unknown) => resolve(reasonOf(thrown)),
        )
      }),
    told: async (after, signal) => {
      const until = performance.now() + MOST_WAITED_MS
      const isTold = (): boolean => count > after
      while (!isTold() && performance.now() < until) await sleep(20, signal)
      return count
    },
    stop: async () => {
      ending.abort()
      await ended
    },
  }
}
