import type { Clock } from '../../system/time/clock.ts'

/** A clock that stands until it is turned. The calendar can step by itself, as NTP makes it. */
export interface TurnedClock extends Clock {
  readonly turn: (milliseconds: number) => void
  readonly stepCalendar: (milliseconds: number) => void
}

export function turnedClock(start = '2026-11-23T10:00:00Z'): TurnedClock {
  let now = 1_000_000
  let wall = Date.parse(start)
  return {
    now: () => now,
    wall: () => new Date(wall),
    turn: (milliseconds) => {
      now += milliseconds
      wall += milliseconds
    },
    stepCalendar: (milliseconds) => {
      wall += milliseconds
    },
  }
}
