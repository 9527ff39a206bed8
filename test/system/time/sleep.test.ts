import { describe, expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'

/** Whether it is over by the time that a moment has passed. */
async function isOver(slept: Promise<void>): Promise<boolean> {
  return Promise.race([slept.then(() => true), new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 40))])
}

test('it waits as long as it was told', async () => {
  const began = performance.now()
  await sleep(30)
  expect(performance.now() - began).toBeGreaterThanOrEqual(29)
})

test.each([0, -5, Number.NEGATIVE_INFINITY, Number.NaN])('%d is no wait', async (milliseconds) => {
  expect(await isOver(sleep(milliseconds))).toBe(true)
})

describe('a wait longer than a timer can be', () => {
  // Node fires a timer of 2^31 ms or more after 1 ms.
  test.each([2 ** 31 - 1, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER])(
    'of %d ms is not over at once',
    async (milliseconds) => {
      const controller = new AbortController()
      const slept = sleep(milliseconds, controller.signal)
      expect(await isOver(slept)).toBe(false)
      controller.abort()
      expect(await isOver(slept)).toBe(true)
    },
  )
})

test('an abort ends it early, without an error', async () => {
  const controller = new AbortController()
  const slept = sleep(60_000, controller.signal)
  controller.abort(new Error('enough'))
  await expect(slept).resolves.toBeUndefined()
  await expect(sleep(60_000, controller.signal)).resolves.toBeUndefined()
})
