/** The two clocks. Injected, so that a test can control them. */
export interface Clock {
  /** Milliseconds that only go forward. Ages and waits use this clock: a Pi's wall clock jumps at boot. */
  readonly now: () => number
  /** The calendar's time, for people and files. */
  readonly wall: () => Date
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => new Date(),
}
