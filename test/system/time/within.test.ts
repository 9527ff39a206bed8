import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import { within } from '../../../system/time/within.ts'

const forever = new AbortController().signal

test('what ends in time is as if alone, and nothing of it stays with the signal', async () => {
  const { signal } = new AbortController()
  expect(await within(60_000, signal, async () => 7)).toBe(7)
  await expect(
    within(60_000, signal, async () => {
      throw new TypeError('its own')
    }),
  ).rejects.toThrow('its own')
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('time that is up, and a signal that ends, end what runs', async () => {
  const wait = async (signal: AbortSignal) => {
    await sleep(60_000, signal)
    return signal.aborted
  }
  expect(await within(10, forever, wait)).toBe(true)
  const ending = new AbortController()
  const waiting = within(60_000, ending.signal, wait)
  ending.abort()
  expect(await waiting).toBe(true)
  expect(await within(60_000, ending.signal, wait)).toBe(true)
})
