import { sleep } from '../system/time/sleep.ts'

const EVERY_MS = 2_000

/** Shows something again and again, until the person has seen enough (SIGINT) or SIGTERM comes. */
export async function again(show: () => Promise<void>): Promise<void> {
  const ending = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => ending.abort())
  while (!ending.signal.aborted) {
    await show()
    await sleep(EVERY_MS, ending.signal)
  }
}
