import type { PeerStats } from './peer-monitor.ts'

/** Tells whether a home's tunnel carries more than its own upkeep. One per home. */
export interface UseMeter {
  /** Called with each heartbeat, and what the peer monitor last saw; says whether the tunnel is in use. `now`: monotonic milliseconds. */
  readonly heard: (seen: Pick<PeerStats, 'rxBytes' | 'txBytes'> | null, now: number) => boolean
}

/** A heartbeat of 40 bytes, padded to 48, and WireGuard's 32; its answer is as large, or one padding step larger. */
const HEARTBEAT_BYTES = 96

/** Besides heartbeats: a handshake (148 or 92), the empty packet after it, and a heartbeat that the peer monitor had not seen yet. */
const UPKEEP_BYTES = 400

/** The peer monitor looks once a second: shorter than this, differences say little. */
const SAMPLE_MS = 1_000

/** Ten tiny packets a second make 640 bytes; a pause between two of them does not end the use. */
const LASTS_MS = 3_000

export function makeUseMeter(): UseMeter {
  let sample: { readonly at: number; readonly rxBytes: number; readonly txBytes: number } | null = null
  let heartbeats = 0
  let usedAt = -Infinity
  return {
    heard: (seen, now) => {
      heartbeats += 1
      if (seen === null) return false
      if (sample === null || now - sample.at >= SAMPLE_MS) {
        const upkeep = heartbeats * HEARTBEAT_BYTES + UPKEEP_BYTES
        const passed = (direction: 'rxBytes' | 'txBytes'): number => seen[direction] - (sample?.[direction] ?? 0)
        if (sample !== null && Math.max(passed('rxBytes'), passed('txBytes')) > upkeep) usedAt = now
        sample = { at: now, rxBytes: seen.rxBytes, txBytes: seen.txBytes }
        heartbeats = 0
      }
      return now - usedAt < LASTS_MS
    },
  }
}
