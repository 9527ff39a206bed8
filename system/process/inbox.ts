import { sleep } from '../time/sleep.ts'

/** What happened since the loop last looked. Whoever puts something in wakes it. */
export interface Inbox<Item> {
  readonly put: (item: Item) => void
  /** Everything there is, oldest first. */
  readonly drain: () => readonly Item[]
  /** Until something is there, or so many milliseconds have gone by. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

/** The oldest go when nobody looks: what piles up is answers, and only the newest count. */
const MOST = 1_000

export function makeInbox<Item>(): Inbox<Item> {
  let items: Item[] = []
  let wake = (): void => undefined
  return {
    put: (item) => {
      items.push(item)
      if (items.length > MOST) items.shift()
      wake()
    },
    drain: () => {
      const all = items
      items = []
      return all
    },
    wait: async (milliseconds, signal) => {
      if (items.length > 0 || signal.aborted) return
      // Not AbortSignal.any: with a signal that lives as long as the agent it would gather a little with every wait.
      const early = new AbortController()
      wake = () => early.abort()
      signal.addEventListener('abort', wake)
      await sleep(milliseconds, early.signal)
      signal.removeEventListener('abort', wake)
      wake = () => undefined
    },
  }
}
