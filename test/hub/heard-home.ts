import { makePresences, type Presence } from '../../hub/presence/presence.ts'
import type { HeardOnce } from '../../hub/presence/kept/heard-once.ts'
import type { Home } from '../../hub/core/store-document.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import { turnedClock } from './turned-clock.ts'

export const CABIN = {
  name: 'cabin',
  address: '10.86.0.2',
  publicKey: 'KEY=' as PublicKey,
  joinedAt: '2026-11-23T09:00:00.000Z',
} as Home

/** What the hub's WireGuard and its heartbeats say of one home; seconds ago, null: nothing. */
export interface Heard {
  readonly wireguard: number | null
  readonly handshake: number | null
  readonly heartbeat: number | null
}

/** A hub that listens for one home, on a clock that is turned by hand. */
export function listening(heardOnce: HeardOnce = memoryOnly(), daemon: 'runs' | 'does not run' = 'runs') {
  const clock = turnedClock()
  let heard: Heard = { wireguard: null, handshake: null, heartbeat: null }
  const presences = makePresences({
    peerMonitor: {
      statsOf: () => ({
        endpoint: null,
        lastHandshakeSeconds: heard.handshake,
        rxBytes: 0,
        txBytes: 0,
        heardSeconds: heard.wireguard,
      }),
    },
    heartbeats: daemon === 'runs' ? { heardSeconds: () => heard.heartbeat } : null,
    lastEndpoints: { of: () => null },
    heardOnce,
    clock,
  })
  return {
    clock,
    presences,
    hears: (now: Partial<Heard>): void => void (heard = { ...heard, ...now }),
    of: (home = CABIN): Presence => presences.of(home),
  }
}

export function memoryOnly(): HeardOnce {
  const known = new Set<string>()
  const of = ({ name, joinedAt }: { name: string; joinedAt: string }): string => `${name} ${joinedAt}`
  return {
    has: (home) => known.has(of(home)),
    note: (home) => void known.add(of(home)),
    keep: () => undefined,
    save: async () => undefined,
  }
}
