import * as fc from '../../properties.ts'
import { expect, test } from 'vitest'
import { keepaliveSeconds } from '../../../agent/core/keepalive.ts'

const configured = fc.integer({ min: 0, max: 65_535 })
const life = fc.oneof(fc.constantFrom(0, 15, 30, 45, 60, 90, 120, 180, 240, 300), fc.integer({ min: 0, max: 300 }))

test.each([
  // configured, life, economy, keepalive
  [25, null, false, 25],
  [25, 300, false, 25],
  [25, 30, false, 22],
  [25, 15, false, 11],
  [25, 0, false, 8],
  [60, 300, false, 25],
  [300, 300, true, 225],
  [60, 300, true, 60],
  [5, 15, false, 5],
  [0, 15, false, 0],
])('configured %i s, life %s s, economy %s: %i s', (configured, life, economy, keepalive) => {
  expect(keepaliveSeconds(configured, life, economy)).toBe(keepalive)
})

test('a keepalive is never more than what is configured or than the mapping lives, and never below the floor by itself', () => {
  fc.assert(
    fc.property(configured, life, fc.boolean(), (configured, life, economy) => {
      const seconds = keepaliveSeconds(configured, life, economy)
      expect(Number.isInteger(seconds)).toBe(true)
      expect(seconds).toBeLessThanOrEqual(configured)
      expect(seconds).toBeLessThanOrEqual(Math.max(8, life * 0.75))
      expect(seconds).toBeGreaterThanOrEqual(Math.min(configured, 8))
      if (!economy) expect(seconds).toBeLessThanOrEqual(25)
    }),
  )
})

test('a longer life never means a shorter keepalive', () => {
  fc.assert(
    fc.property(configured, life, life, fc.boolean(), (configured, a, b, economy) => {
      fc.pre(a <= b)
      expect(keepaliveSeconds(configured, a, economy)).toBeLessThanOrEqual(keepaliveSeconds(configured, b, economy))
    }),
  )
})
