/** Limits what one home may ask for: two token buckets, of datagrams and of bytes. */
export interface Budget {
  /** Whether one more of this size is within the budget; takes it if so. */
  readonly take: (bytes: number, now: number) => boolean
}

const DATAGRAMS = { perSecond: 30, burst: 60 }
const BYTES = { perSecond: 40_000, burst: 80_000 }

export function makeBudget(): Budget {
  let datagrams = DATAGRAMS.burst
  let allBytes = BYTES.burst
  let filledAt: number | null = null
  return {
    take: (bytes, now) => {
      const seconds = filledAt === null ? 0 : (now - filledAt) / 1000
      filledAt = now
      datagrams = Math.min(DATAGRAMS.burst, datagrams + seconds * DATAGRAMS.perSecond)
      allBytes = Math.min(BYTES.burst, allBytes + seconds * BYTES.perSecond)
      if (datagrams < 1 || allBytes < bytes) return false
      datagrams -= 1
      allBytes -= bytes
      return true
    },
  }
}
