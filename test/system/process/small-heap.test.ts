import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { keepHeapSmall } from '../../../system/process/small-heap.ts'

afterEach(() => void vi.useRealTimers())

test('what nobody uses any more is gone a minute later', async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] })
  keepHeapSmall()
  const garbage = new WeakRef({ some: 'thing' })
  // A WeakRef holds what it refers to until the job that made it ends (ECMA-262, 9.9.2).
  await wait(1)
  vi.advanceTimersByTime(59_000)
  expect(garbage.deref()).toBeDefined()
  await wait(1)
  vi.advanceTimersByTime(1_000)
  expect(garbage.deref()).toBeUndefined()
})
