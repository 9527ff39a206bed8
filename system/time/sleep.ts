import { setTimeout as wait } from 'node:timers/promises'

/** The longest timer that Node can set; a longer one would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1

/** Waits. An abort ends the wait early, without an error: the caller checks the signal anyway. */
export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  let left = Math.max(0, milliseconds)
  do {
    const part = Math.min(left, LONGEST_TIMER)
    left -= part
    try {
      await wait(part, undefined, signal === undefined ? {} : { signal })
    } catch {
      return
    }
  } while (left > 0)
}
