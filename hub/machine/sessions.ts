import type { Adapter } from '../../adapters/adapter.ts'
import type { Step } from '../../adapters/step.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { Endpoint, PeerSpec } from '../../wireguard/spec.ts'
import { devicePeer, homePeer } from './desired.ts'
import { makeSessionRecovery } from './session-recovery.ts'
import { exitHome } from '../core/devices.ts'
import type { Home } from '../core/store-document.ts'
import type { Store } from '../store/store.ts'
import type { LastEndpoints } from '../presence/kept/last-endpoints.ts'
import type { PeerMonitor } from '../presence/peer-monitor.ts'

/** WireGuard's sessions with homes and devices, as far as the hub helps them. */
export interface Sessions {
  /**
   * The endpoint to add a peer with, so that WireGuard's first initiation has a destination: the next would come only 5
   * s later. null: a peer that is there keeps the endpoint it was heard from.
   */
  readonly placeOf: (publicKey: PublicKey) => Endpoint | null
  /** Whether the peer monitor saw every peer that there should be. */
  readonly isComplete: () => boolean
  /** Remembers everybody's endpoint. Never throws. */
  readonly noteEndpoints: () => Promise<void>
  /** Recovers lost sessions. Never throws; no reconciling may run meanwhile. */
  readonly recoverSessions: () => Promise<void>
  /** Notes peers that were added just now. */
  readonly beginAnew: (peers: readonly PeerSpec[]) => void
  /**
   * Gives a home's new key the endpoint of its old one, after an interrupted rotation. Not while the home rotates: it
   * will speak first then, and of two initiations that cross each end drops the other's.
   */
  readonly followKey: (before: PublicKey, now: PublicKey) => void
  /**
   * A step that removes the home's peer; the next reconciling adds it again. WireGuard forgets the greatest timestamp
   * of a peer's handshakes only with the peer (noise.c, latest_timestamp). null: it was done a moment ago.
   */
  readonly forget: (home: Home) => Step | null
}

export interface SessionDeps {
  readonly store: Pick<Store, 'document'>
  readonly adapter: Adapter
  readonly peerMonitor: PeerMonitor
  readonly lastEndpoints: LastEndpoints
  readonly interfaceName: () => string
  readonly triggerHandshakes: (addresses: readonly string[]) => void
  readonly clock: Clock
  readonly log: Log
}

/** How old the peer monitor's look may be, which comes each second. */
const FRESH_SECONDS = 2.5

/** How often a peer is removed at most: a home that asks in a loop must not keep its own tunnel down. */
const FORGET_EVERY_MS = 5_000

export function makeSessions(deps: SessionDeps): Sessions {
  const { store, adapter, peerMonitor, lastEndpoints, interfaceName, triggerHandshakes, clock, log } = deps
  const recovery = makeSessionRecovery({ adapter, peerMonitor, lastEndpoints, triggerHandshakes, clock, log })
  /** When each home's peer was last removed. Monotonic milliseconds. */
  const forgotten = new Map<string, number>()

  function everybody() {
    const { homes, devices } = store.document
    const exit = exitHome(store.document)
    return [
      ...homes.map((home) => ({ name: home.name, address: home.address, peer: homePeer(home, home.name === exit) })),
      ...devices.map((device) => ({ name: device.name, address: device.address, peer: devicePeer(device) })),
    ]
  }

  return {
    placeOf: (publicKey) => {
      const isSeen = (peerMonitor.ageSeconds() ?? Infinity) < FRESH_SECONDS && peerMonitor.statsOf(publicKey) !== null
      return isSeen ? null : lastEndpoints.of(publicKey)
    },

    isComplete: () => everybody().every(({ peer }) => peerMonitor.statsOf(peer.publicKey) !== null),

    noteEndpoints: async () => {
      const all = everybody()
      lastEndpoints.keep(all.map(({ peer }) => peer.publicKey))
      lastEndpoints.note(
        all.flatMap(({ peer: { publicKey } }) => {
          const endpoint = peerMonitor.endpoint(publicKey)
          return endpoint === null ? [] : [[publicKey, endpoint] as const]
        }),
      )
      await lastEndpoints.save()
    },

    recoverSessions: () => recovery.call(interfaceName(), everybody()),

    beginAnew: recovery.beginAnew,

    followKey: (before, now) => {
      const place = before === now ? null : (peerMonitor.endpoint(before) ?? lastEndpoints.of(before))
      if (place !== null) lastEndpoints.note([[now, place]])
    },

    forget: (home) => {
      if (clock.now() - (forgotten.get(home.name) ?? -Infinity) < FORGET_EVERY_MS) return null
      forgotten.set(home.name, clock.now())
      log.info({ home: home.name }, 'a home asked for a new beginning: its peer is taken out and put in again')
      return { kind: 'remove-peers', interface: interfaceName(), publicKeys: [home.publicKey] }
    },
  }
}
