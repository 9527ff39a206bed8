import * as fc from '../properties.ts'
import { describe, expect, test } from 'vitest'
import { cutPeriod } from '../../wireguard/cut-period.ts'

const HOUR = 3_600_000
const START = Date.parse('2026-11-01T03:00:00Z')

/** Cuts at a period, each late by a little. */
const cuts = fc
  .record({
    hours: fc.integer({ min: 4, max: 48 }),
    late: fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 4, maxLength: 12 }),
  })
  .map(({ hours, late }) => ({ hours, times: late.map((ms, index) => START + index * hours * HOUR + ms) }))

describe('a carrier that cuts flows', () => {
  test('at a fixed interval is recognised by its last four cuts, and not before', () => {
    fc.assert(
      fc.property(cuts, ({ hours, times }) => {
        expect(cutPeriod(times)?.hours).toBeCloseTo(hours, 0)
        expect(cutPeriod(times.map((ms) => new Date(ms).toISOString()))?.hours).toBeCloseTo(hours, 0)
        expect(cutPeriod(times.slice(0, 3))).toBeNull()
      }),
    )
  })

  test('is recognised although something else changed the mapping once in between, or since', () => {
    fc.assert(
      fc.property(cuts, fc.nat(), fc.double({ min: 0.1, max: 0.9, noNaN: true }), ({ hours, times }, which, part) => {
        const extra = (times[which % times.length] ?? 0) + part * hours * HOUR
        expect(cutPeriod([...times, extra].sort((a, b) => a - b))?.hours).toBeCloseTo(hours, 0)
      }),
    )
  })

  test('is no longer one when its cuts have stopped agreeing', () => {
    const times = [0, 24, 48, 72, 96].map((hours) => START + hours * HOUR)
    expect(cutPeriod(times)).toEqual({ hours: 24 })
    expect(cutPeriod([...times, START + 101 * HOUR, START + 140 * HOUR])).toBeNull()
  })
})

test.each([
  ['nothing', []],
  ['gaps of minutes', [0, 0.5, 1, 1.5, 2]],
  ['growing gaps', [0, 5, 11, 18, 26, 35]],
  ['gaps that agree only roughly', [0, 24, 50, 73, 99]],
])('%s is no period', (_what, hours) => {
  expect(cutPeriod(hours.map((hour) => START + hour * HOUR))).toBeNull()
})

test('any list of times is judged quickly', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100 * HOUR), { maxLength: 50 }), (times) => {
      const began = performance.now()
      cutPeriod(times.sort((a, b) => a - b))
      expect(performance.now() - began).toBeLessThan(5_000)
    }),
  )
})
