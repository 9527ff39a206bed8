import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { refuseUnlessSafe } from '../../../../adapters/apply.ts'
import { stepFailed } from '../../../../adapters/router/router-errors.ts'
import { waitOut } from '../../../../agent/tunnel/plan/wait-out.ts'
import { retryAfterOf } from '../../../../problems/problem.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const unconfirmed = (retryAfterSeconds: number) =>
  ({ code: 'router-apply-unconfirmed', why: `a change waits, ${retryAfterSeconds} s left`, retryAfterSeconds }) as const

/** Somebody's timer, which the router tells. */
function timed(seconds: number) {
  const said: string[] = []
  const ending = new AbortController()
  const began = Date.now()
  let attempts = 0
  const act = async (): Promise<string> => {
    attempts += 1
    const left = seconds - Math.floor((Date.now() - began) / 1_000)
    if (left > 0) refuseUnlessSafe({ refusals: [unconfirmed(left)] })
    return 'done'
  }
  const clock = { now: () => Date.now() }
  const waiting = waitOut(act, { tell: (line) => void said.push(line), clock, signal: ending.signal })
  return { waiting, said, ending, attempts: () => attempts }
}

test('what ends by itself is waited for, said once, and gone on with a moment after its end', async () => {
  const { waiting, said } = timed(60)
  await vi.advanceTimersByTimeAsync(59_000)
  expect(said).toEqual(['Waiting, for 60 s at most: a change waits, 60 s left …'])
  await vi.advanceTimersByTimeAsync(4_000)
  await expect(waiting).resolves.toBe('done')
  expect(said).toHaveLength(1)
})

test('what lasts too long, or is not known to end, is refused at once', async () => {
  const { waiting, attempts } = timed(600)
  await expect(waiting).rejects.toMatchObject({ code: 'router-apply-unconfirmed' })
  expect(attempts()).toBe(1)
  const pending = { code: 'router-changes-pending', why: 'somebody staged something' } as const
  const act = async (): Promise<void> => refuseUnlessSafe({ refusals: [unconfirmed(5), pending] })
  await expect(
    waitOut(act, { tell: () => undefined, clock: { now: () => 0 }, signal: new AbortController().signal }),
  ).rejects.toMatchObject({ retryAfterSeconds: undefined })
})

test('whoever is called off ends at once', async () => {
  const { waiting, ending } = timed(60)
  await vi.advanceTimersByTimeAsync(1_000)
  ending.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'router-apply-unconfirmed' })
})

test('how long it lasts is known whoever words the error anew', () => {
  const thrown = (() => {
    try {
      return refuseUnlessSafe({ refusals: [unconfirmed(23)] })
    } catch (refused) {
      return refused
    }
  })()
  expect(retryAfterOf(stepFailed('changing it', 'attic', thrown))).toBe(23)
  expect(retryAfterOf(new Error('anything'))).toBeNull()
})
