import { expect, test } from 'vitest'
import {
  afterAttempts,
  type RecoveryAttempts,
  dueAttempts,
  keptAttempts,
} from '../../../hub/machine/recovery-attempts.ts'
import type { PublicKey } from '../../../wireguard/keys.ts'

const [cabin, lodge] = ['cabin' as PublicKey, 'lodge' as PublicKey]
const nobody: RecoveryAttempts = new Map()

test('whose session is lost is called at once, each five seconds, and for a minute', () => {
  const isDue = (attempts: RecoveryAttempts, now: number): boolean =>
    dueAttempts(attempts, [cabin], now).includes(cabin)
  expect(isDue(nobody, 0)).toBe(true)
  let attempts = afterAttempts(nobody, [cabin], 0)
  expect([isDue(attempts, 4_999), isDue(attempts, 5_000)]).toEqual([false, true])
  const at: number[] = []
  for (let now = 1_000; now <= 120_000; now += 1_000)
    if (isDue(attempts, now)) {
      at.push(now)
      attempts = afterAttempts(attempts, [cabin], now)
    }
  expect(at).toEqual(Array.from({ length: 12 }, (_, index) => 5_000 * (index + 1)))
})

test('each is called for itself', () => {
  const attempts = afterAttempts(nobody, [cabin], 0)
  expect(dueAttempts(attempts, [cabin, lodge], 1_000)).toEqual([lodge])
  expect(dueAttempts(attempts, [], 10_000)).toEqual([])
})

test('who came back and is lost again is called anew, for a whole minute', () => {
  const worn = new Map([
    [cabin, { since: 0, lastAt: 60_000 }],
    [lodge, { since: 0, lastAt: 60_000 }],
  ])
  expect(dueAttempts(worn, [cabin], 65_000)).toEqual([])
  const kept = keptAttempts(worn, (key) => key === lodge)
  expect(dueAttempts(kept, [cabin, lodge], 60_001)).toEqual([cabin])
  const [anew] = [afterAttempts(kept, [cabin], 60_001).get(cabin)]
  expect(anew).toEqual({ since: 60_001, lastAt: 60_001 })
})
