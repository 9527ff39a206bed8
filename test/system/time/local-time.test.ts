import { afterEach, expect, test } from 'vitest'
import { localTime } from '../../../system/time/local-time.ts'

const before = process.env['TZ']
afterEach(() => {
  process.env['TZ'] = before
})

test.each([
  ['UTC', '2026-11-22T20:01:02Z', '2026-11-22 20:01:02 UTC'],
  ['Europe/Berlin', '2026-11-22T23:30:00.123Z', '2026-11-23 00:30:00 CET'],
  ['Europe/Berlin', '2026-07-01T12:00:00Z', '2026-07-01 14:00:00 CEST'],
  // Zones whose letters mean another one elsewhere.
  ['America/New_York', '2026-11-22T20:01:02Z', '2026-11-22 15:01:02 GMT-5'],
  ['Asia/Kolkata', '2026-11-22T20:01:02Z', '2026-11-23 01:31:02 GMT+5:30'],
])('a moment is by the zone of the reader, and names it: %s %s', (zone, moment, text) => {
  process.env['TZ'] = zone
  expect(localTime(moment)).toBe(text)
  expect(localTime(new Date(moment))).toBe(text)
})

test('what is no moment stays what it is', () => expect(localTime('soon')).toBe('soon'))
