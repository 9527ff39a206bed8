import { expect, test } from 'vitest'
import { makeCalendar } from '../../../system/time/calendar.ts'
import { makeHandshakeAge } from '../../../agent/probes/handshake-age.ts'
import type { Clock } from '../../../system/time/clock.ts'

/** Both clocks, turned by hand. */
function turnedClock(monotonic: number, wall: string) {
  let now = monotonic
  let date = Date.parse(wall)
  const clock: Clock = { now: () => now, wall: () => new Date(date) }
  return {
    clock,
    go: (milliseconds: number) => {
      now += milliseconds
      date += milliseconds
    },
    set: (wall: string) => {
      date = Date.parse(wall)
    },
  }
}

test('a moment before NTP set the clock is told right afterwards', () => {
  const { clock, go, set } = turnedClock(5_000, '1970-01-01T00:00:10Z')
  const calendar = makeCalendar(clock)
  const moment = clock.now()
  go(60_000)
  set('2026-11-22T20:01:02Z')
  expect(calendar.at(moment).toISOString()).toBe('2026-11-22T20:00:02.000Z')
})

test('a slewed clock does not move yesterday’s moments', () => {
  const { clock, go, set } = turnedClock(5_000, '2026-11-22T20:00:00Z')
  const calendar = makeCalendar(clock)
  go(10_000)
  set('2026-11-22T20:00:10.900Z')
  expect(calendar.at(5_000).toISOString()).toBe('2026-11-22T20:00:00.000Z')
})

test('a handshake ages by the monotonic clock, whatever the wall clock does', () => {
  const { clock, go, set } = turnedClock(0, '2026-11-22T20:00:10Z')
  const age = makeHandshakeAge(clock)
  const stamp = Date.parse('2026-11-22T20:00:00Z') / 1_000
  expect(age.seconds(stamp)).toBe(10)
  go(30_000)
  set('2030-01-01T00:00:00Z')
  expect(age.seconds(stamp)).toBe(40)
})

test('a handshake of the future is of now, and none is none', () => {
  const { clock } = turnedClock(0, '1970-01-01T00:00:10Z')
  const age = makeHandshakeAge(clock)
  expect(age.seconds(Date.parse('2026-11-22T20:00:00Z') / 1_000)).toBe(0)
  expect(age.seconds(null)).toBeNull()
})
