import { expect, test } from 'vitest'
import { makeAlertTests } from '../../../hub/service/alert-tests.ts'
import { turnedClock } from '../turned-clock.ts'

const cabin = { name: 'cabin' }
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (thrown: { code?: string }) => thrown.code ?? 'another',
  )

test('ten tests a minute reach people, of all homes together', async () => {
  const clock = turnedClock()
  const asked: unknown[] = []
  const tests = makeAlertTests(
    {
      test: async (channel) => {
        asked.push(channel)
        return []
      },
    },
    clock,
  )
  for (let count = 0; count < 10; count += 1) {
    clock.turn(1_000)
    await tests({ name: `home-${count}` }, count === 0 ? null : 'phone')
  }
  expect(asked).toEqual([null, ...Array.from({ length: 9 }, () => 'phone')])
  clock.turn(50_999)
  expect(await codeOf(tests(cabin, 'phone'))).toBe('rate-limited')
  clock.turn(1)
  expect(await codeOf(tests(cabin, 'phone'))).toBe('none')
  expect(await codeOf(tests(cabin, 'phone'))).toBe('rate-limited')
  expect(asked).toHaveLength(11)
})

test('one that is refused does not put off the next', async () => {
  const clock = turnedClock()
  const tests = makeAlertTests({ test: async () => [] }, clock)
  for (let count = 0; count < 60; count += 1) {
    await codeOf(tests(cabin, null))
    clock.turn(1_000)
  }
  expect(await codeOf(tests(cabin, null))).toBe('none')
})

test('without a daemon there are no channels', async () => {
  expect(await makeAlertTests(null, turnedClock())(cabin, null)).toEqual({ channels: [] })
})
