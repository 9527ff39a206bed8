/** How long to leave alone what fails: each time twice as long, up to a ceiling (exponential backoff). */
export interface Backoff {
  readonly firstMs: number
  readonly ceilingMs: number
}

/** What keeps many who failed at the same moment from coming back at the same moment. */
export interface Jitter {
  /** The part of the delay that it may be shorter or longer by. */
  readonly share: number
  /** 0 … 1, whose the caller drew: pure, so that the cores may use it. */
  readonly chance: number
}

/** @param failures in a row, the one before this delay included: from 1. Who succeeds counts from there again. */
export function backoffMs({ firstMs, ceilingMs }: Backoff, failures: number, jitter?: Jitter): number {
  const delayMs = Math.min(ceilingMs, firstMs * 2 ** (failures - 1))
  return jitter === undefined ? delayMs : delayMs * (1 - jitter.share + 2 * jitter.share * jitter.chance)
}
