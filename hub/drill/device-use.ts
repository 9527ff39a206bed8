import type { PublicKey } from '../../wireguard/keys.ts'
import { reachOf } from '../core/devices.ts'
import type { Device, StoreDocument } from '../core/store-document.ts'
import type { PeerStats } from '../presence/peer-monitor.ts'

/** Remembers which devices carried more than their own upkeep, and when. */
export interface DeviceUse {
  /** Once a second: takes the counters. `now`: monotonic milliseconds. */
  readonly look: (document: Pick<StoreDocument, 'devices'>, now: number) => void
  /** Devices that may reach this home and were in use lately, with the seconds since then; the last one first. */
  readonly usersOf: (home: string, document: Pick<StoreDocument, 'devices'>, now: number) => readonly DeviceUser[]
}

interface DeviceUser {
  readonly name: string
  readonly usedSecondsAgo: number
}

/**
 * Bytes of a device's upkeep within one sample: a keepalive (32), and a whole handshake with the packet after it (148, 92
 * and 32) both ways, with one more keepalive that was on its way. A page or a single frame of a camera is more.
 */
const UPKEEP_BYTES = 400

const SAMPLE_MS = 5_000

/** How long a device counts as in use: a reader turns a page each minute or two. */
const LATELY_MS = 120_000

interface Sample {
  readonly at: number
  readonly rxBytes: number
  readonly txBytes: number
  readonly usedAt: number
}

/** @param statsOf what WireGuard last said of a peer. */
export function makeDeviceUse(
  statsOf: (publicKey: PublicKey) => Pick<PeerStats, 'rxBytes' | 'txBytes'> | null,
): DeviceUse {
  let samples: ReadonlyMap<PublicKey, Sample> = new Map()

  function sampled({ publicKey }: Pick<Device, 'publicKey'>, now: number): readonly [PublicKey, Sample][] {
    const seen = statsOf(publicKey)
    const before = samples.get(publicKey)
    if (seen === null) return before === undefined ? [] : [[publicKey, before]]
    if (before !== undefined && now - before.at < SAMPLE_MS) return [[publicKey, before]]
    const passed = (direction: 'rxBytes' | 'txBytes'): number =>
      seen[direction] - (before?.[direction] ?? seen[direction])
    const isUse = Math.max(passed('rxBytes'), passed('txBytes')) > UPKEEP_BYTES
    const { rxBytes, txBytes } = seen
    return [[publicKey, { at: now, rxBytes, txBytes, usedAt: isUse ? now : (before?.usedAt ?? -Infinity) }]]
  }

  return {
    look: ({ devices }, now) => {
      samples = new Map(devices.flatMap((device) => sampled(device, now)))
    },
    usersOf: (home, { devices }, now) =>
      devices
        .filter((device) => reachOf(device)?.includes(home) ?? true)
        .flatMap(({ name, publicKey }) => {
          const sample = samples.get(publicKey)
          if (sample === undefined) return []
          const seen = statsOf(publicKey)
          // What passed since the last sample counts too: a drill may be asked for at any moment.
          const since = seen === null ? 0 : Math.max(seen.rxBytes - sample.rxBytes, seen.txBytes - sample.txBytes)
          const usedAt = since > UPKEEP_BYTES ? now : sample.usedAt
          return now - usedAt < LATELY_MS ? [{ name, usedSecondsAgo: Math.round((now - usedAt) / 1_000) }] : []
        })
        .sort((a, b) => a.usedSecondsAgo - b.usedSecondsAgo),
  }
}
