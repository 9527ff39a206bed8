import type { PeerStats } from './peer-monitor.ts'

/** Tells whether a home's tunnel carries more than its own upkeep. One meter per home. */
export interface UseMeter {
  /** Takes a heartbeat with the last statistics; says whether the tunnel is in use. `now`: monotonic milliseconds. */
  readonly heard: (seen: Pick<PeerStats, 'rxBytes' | 'txBytes'> | null, now: number) => boolean
}

/** Bytes of a heartbeat: 40, padded to 48, and WireGuard's 32; its answer is as large, or one padding step larger. */
const HEARTBEAT_BYTES = 96

/** Bytes of other upkeep: a handshake (148 or 92), the empty packet after it, and one heartbeat not seen yet. */
const UPKEEP_BYTES = 400

/** The shortest sample: the peer monitor looks once a second, and over less differences say little. */
const SAMPLE_MS = 1_000

/** How long a use lasts: ten tiny packets a second make 640 bytes; a pause between two of them does not end it. */
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
