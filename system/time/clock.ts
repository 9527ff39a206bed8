/** The two clocks. Injected, so that a test can turn them. */
export interface Clock {
  /** Milliseconds that only ever go forward. Ages and waits use this: a Pi's wall clock jumps at boot. */
  readonly now: () => number
  /** What the calendar says, for people and files. */
  readonly wall: () => Date
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => new Date(),
}
