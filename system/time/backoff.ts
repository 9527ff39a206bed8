/** How long to wait before the next try: each time twice as long, up to a ceiling (exponential backoff). */
export interface Backoff {
  readonly firstMs: number
  readonly ceilingMs: number
}

/** Randomness that keeps many who failed at the same moment from coming back at the same moment. */
export interface Jitter {
  /** The part of the delay by which it may be shorter or longer. */
  readonly share: number
  /** A random number, 0 … 1, drawn by the caller: this function stays pure, so that the cores may use it. */
  readonly chance: number
}

/** @param failures in a row, including the one before this delay: from 1. A success resets the count. */
export function backoffMs({ firstMs, ceilingMs }: Backoff, failures: number, jitter?: Jitter): number {
  const delayMs = Math.min(ceilingMs, firstMs * 2 ** (failures - 1))
  return jitter === undefined ? delayMs : delayMs * (1 - jitter.share + 2 * jitter.share * jitter.chance)
}
