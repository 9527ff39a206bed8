/**
 * Whether full-size packets pass, and which size does. WireGuard's packets go out without DF and are answered by no ICMP:
 * a link that shrank swallows them in silence, while handshakes and heartbeats stay fine. So echoes of full size are sent
 * now and then, and more often while the tunnel is used. Pure; times are monotonic milliseconds, sizes are bytes of the
 * tunnel's MTU.
 */
export interface PathMtu {
  readonly configured: number
  /** The MTU that the interface has now. */
  readonly mtu: number
  readonly pending: boolean
  readonly checkedAt: number | null
  /** Rounds in a row in which the full size was lost and small ones passed. */
  readonly lostRounds: number
  /** Rounds in a row in which the configured size passed while a smaller one is set. */
  readonly goodRounds: number
}

/** Which sizes passed, both ways. */
export interface SizedRound {
  readonly passed: readonly number[]
  /** Whether the smallest echo passed: otherwise the round says nothing about sizes. */
  readonly smallPassed: boolean
}

/** Sizes of PPPoE, DS-Lite, its IPv6 default of 1280, LTE, tunnels inside tunnels (docs/wireguard-behind-nat.md). */
const SIZES = [1412, 1400, 1380, 1340, 1280, 1220, 1180, 1100, 1000]

/** How many rounds in a row decide: a full-size echo may be lost like any packet, three times a round. */
const ROUNDS_THAT_COUNT = 3

const IN_USE_EVERY_MS = 10_000
const IDLE_EVERY_MS = 3_600_000
const FIRST_AFTER_MS = 5_000
const AGAIN_MS = 500

export function newPathMtu(configured: number, mtu: number): PathMtu {
  return { configured, mtu, pending: false, checkedAt: null, lostRounds: 0, goodRounds: 0 }
}

export function sizesDueAt({ pending, checkedAt, lostRounds }: PathMtu, upSince: number, inUse: boolean): number {
  if (pending) return Infinity
  if (checkedAt === null) return upSince + FIRST_AFTER_MS
  return checkedAt + (lostRounds > 0 ? AGAIN_MS : inUse ? IN_USE_EVERY_MS : IDLE_EVERY_MS)
}

/** Asks again soon, since the path may be another one now. */
export function recheckSizes(state: PathMtu): PathMtu {
  return { ...state, checkedAt: null, lostRounds: 0 }
}

export function sizesToAsk({ configured, mtu, lostRounds }: PathMtu): readonly number[] {
  if (lostRounds > 0) return [mtu, ...SIZES.filter((size) => size < mtu)]
  return mtu < configured ? [mtu, configured] : [mtu]
}

/**
 * @param rounds how many rounds in a row mean more than this line's loss.
 * @returns the MTU to set now; null when it stays.
 */
export function noteSizes(
  state: PathMtu,
  { passed, smallPassed }: SizedRound,
  rounds: number,
  now: number,
): [PathMtu, number | null] {
  const checked = { ...state, pending: false, checkedAt: now }
  if (passed.includes(state.mtu)) {
    const isConfiguredGood = state.mtu < state.configured && passed.includes(state.configured)
    const goodRounds = isConfiguredGood ? state.goodRounds + 1 : 0
    return [{ ...checked, lostRounds: 0, goodRounds }, goodRounds >= ROUNDS_THAT_COUNT ? state.configured : null]
  }
  if (!smallPassed) return [{ ...checked, lostRounds: 0 }, null]
  const lostRounds = state.lostRounds + 1
  const largest = Math.max(...passed, 0)
  const isProven = lostRounds >= Math.max(ROUNDS_THAT_COUNT, rounds) && largest > 0
  return [{ ...checked, lostRounds, goodRounds: 0 }, isProven ? largest : null]
}

export function noteMtuSet(state: PathMtu, mtu: number): PathMtu {
  return { ...state, mtu, checkedAt: null, lostRounds: 0, goodRounds: 0 }
}
