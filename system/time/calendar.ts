import type { Clock } from './clock.ts'

/** Converts a monotonic moment to calendar time. */
export interface Calendar {
  readonly at: (moment: number) => Date
}

/** How far a clock jumps when it is set: one that is only slewed must not let moments flicker between two seconds. */
const STEP_MS = 2_000

/**
 * Makes a calendar. Moments are kept on the monotonic clock and told by the calendar as it is now: after NTP has set a
 * Pi's clock from 1970, earlier moments are told right too.
 */
export function makeCalendar(clock: Clock): Calendar {
  let offset = clock.wall().getTime() - clock.now()
  return {
    at: (moment) => {
      const offsetNow = clock.wall().getTime() - clock.now()
      if (Math.abs(offsetNow - offset) > STEP_MS) offset = offsetNow
      return new Date(offset + moment)
    },
  }
}
