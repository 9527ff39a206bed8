import type { Clock } from './clock.ts'

/** Says when a monotonic moment was, by the calendar. */
export interface Calendar {
  readonly at: (moment: number) => Date
}

/** A clock that is merely slewed must not let yesterday's moments flicker between two seconds. */
const STEP_MS = 2_000

/**
 * Moments are kept on the monotonic clock and told by the calendar as it is now: after NTP has set a Pi's clock from
 * 1970, what happened before that is told right too.
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
