import { expect, test } from 'vitest'
import { afterCalling, type Calls, dueCalls, keptCalls } from '../../../hub/machine/calls.ts'
import type { PublicKey } from '../../../wireguard/keys.ts'

const [cabin, lodge] = ['cabin' as PublicKey, 'lodge' as PublicKey]
const nobody: Calls = new Map()

test('whose session is lost is called at once, each five seconds, and for a minute', () => {
  const isDue = (calls: Calls, now: number): boolean => dueCalls(calls, [cabin], now).includes(cabin)
  expect(isDue(nobody, 0)).toBe(true)
  let calls = afterCalling(nobody, [cabin], 0)
  expect([isDue(calls, 4_999), isDue(calls, 5_000)]).toEqual([false, true])
  const at: number[] = []
  for (let now = 1_000; now <= 120_000; now += 1_000)
    if (isDue(calls, now)) {
      at.push(now)
      calls = afterCalling(calls, [cabin], now)
    }
  expect(at).toEqual(Array.from({ length: 12 }, (_, index) => 5_000 * (index + 1)))
})

test('each is called for itself', () => {
  const calls = afterCalling(nobody, [cabin], 0)
  expect(dueCalls(calls, [cabin, lodge], 1_000)).toEqual([lodge])
  expect(dueCalls(calls, [], 10_000)).toEqual([])
})

test('who came back and is lost again is called anew, for a whole minute', () => {
  const worn = new Map([
    [cabin, { since: 0, lastAt: 60_000 }],
    [lodge, { since: 0, lastAt: 60_000 }],
  ])
  expect(dueCalls(worn, [cabin], 65_000)).toEqual([])
  const kept = keptCalls(worn, (key) => key === lodge)
  expect(dueCalls(kept, [cabin, lodge], 60_001)).toEqual([cabin])
  const [anew] = [afterCalling(kept, [cabin], 60_001).get(cabin)]
  expect(anew).toEqual({ since: 60_001, lastAt: 60_001 })
})
