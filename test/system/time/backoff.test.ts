import * as fc from '../../properties.ts'
import { expect, test } from 'vitest'
import { backoffMs } from '../../../system/time/backoff.ts'

const anyBackoff = fc.record({ firstMs: fc.integer({ min: 1, max: 1_000_000 }), ceilingMs: fc.nat(10_000_000) })
const anyFailures = fc.integer({ min: 1, max: 5_000 })
const unit = fc.double({ min: 0, max: 1, noNaN: true })

test('the first failure is followed by the first delay, each further one by twice as much, up to the ceiling', () => {
  const delays = [1, 2, 3, 4, 5, 6].map((failures) => backoffMs({ firstMs: 250, ceilingMs: 3_000 }, failures))
  expect(delays).toEqual([250, 500, 1_000, 2_000, 3_000, 3_000])
})

test('however many failures there were, the delay is a number that never falls and never passes the ceiling', () => {
  fc.assert(
    fc.property(anyBackoff, anyFailures, (backoff, failures) => {
      const delayMs = backoffMs(backoff, failures)
      expect(delayMs).toBeLessThanOrEqual(backoff.ceilingMs)
      expect(backoffMs(backoff, failures + 1)).toBeGreaterThanOrEqual(delayMs)
    }),
  )
})

test('jitter makes it shorter or longer by its share at most, and in the middle of chance by nothing', () => {
  const backoff = { firstMs: 1_000, ceilingMs: 60_000 }
  const delays = [0, 0.5, 1].map((chance) => backoffMs(backoff, 2, { share: 0.25, chance }))
  expect(delays).toEqual([1_500, 2_000, 2_500])
  fc.assert(
    fc.property(anyBackoff, anyFailures, unit, unit, (any, failures, share, chance) => {
      const [delayMs, jitteredMs] = [backoffMs(any, failures), backoffMs(any, failures, { share, chance })]
      expect(Math.abs(jitteredMs - delayMs)).toBeLessThanOrEqual(delayMs * share + 1e-6)
    }),
  )
})
