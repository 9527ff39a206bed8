import { sleep } from '../time/sleep.ts'

/** Collects what happened since the loop last looked. Putting an item in wakes the loop. */
export interface Inbox<Item> {
  readonly put: (item: Item) => void
  /** Takes all items, oldest first. */
  readonly drain: () => readonly Item[]
  /** Waits until an item is there, or so many milliseconds have passed. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

/** How many items are kept. The oldest go when nobody looks: answers pile up, and only the newest count. */
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
