import type { Adapter } from '../../adapters/adapter.ts'
import { reasonOf } from '../../problems/problem.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import type { PeerSpec } from '../../wireguard/spec.ts'
import { afterAttempts, type RecoveryAttempts, dueAttempts, keptAttempts } from './recovery-attempts.ts'
import type { LastEndpoints } from '../presence/kept/last-endpoints.ts'
import type { PeerMonitor } from '../presence/peer-monitor.ts'

/**
 * Recovers sessions with homes and devices that this machine's WireGuard has lost: after a restart, or because somebody
 * removed the peer. The peer gets the endpoint it was last seen at, and a small datagram into the tunnel makes
 * WireGuard shake hands towards it, through the mapping that the carrier still holds. So the tunnel is back before
 * anybody misses it.
 */
export interface SessionRecovery {
  /** Triggers the handshakes that are due. Never throws. */
  readonly call: (interfaceName: string, everybody: readonly Recoverable[]) => Promise<void>
  /** Notes peers that were added a moment ago: handshakes with them are triggered at once, and for a whole minute. */
  readonly beginAnew: (peers: readonly Pick<PeerSpec, 'publicKey'>[]) => void
}

/** A home or a device whose session can be recovered. */
interface Recoverable {
  readonly name: string
  /** Address inside the tunnel. */
  readonly address: string
  readonly peer: PeerSpec
}

const SET_TIMEOUT_MS = 10_000

export function makeSessionRecovery(deps: {
  readonly adapter: Adapter
  readonly peerMonitor: PeerMonitor
  readonly lastEndpoints: LastEndpoints
  readonly triggerHandshakes: (addresses: readonly string[]) => void
  readonly clock: Clock
  readonly log: Log
}): SessionRecovery {
  const { adapter, peerMonitor, lastEndpoints, triggerHandshakes, clock, log } = deps
  let attempts: RecoveryAttempts = new Map()

  /** Gives an endpoint to those peers that have none in WireGuard. False: that could not be done. */
  async function place(interfaceName: string, lost: readonly Recoverable[]): Promise<boolean> {
    const isHomeless = ({ peer }: Recoverable): boolean => peerMonitor.statsOf(peer.publicKey)?.endpoint === null
    // A peer may have connected since the last look: what WireGuard learned is not overwritten.
    if (lost.some(isHomeless)) await peerMonitor.look()
    const homeless = lost.filter(isHomeless)
    if (homeless.length === 0) return true
    const peers = homeless.map(({ peer }) => ({ ...peer, endpoint: lastEndpoints.of(peer.publicKey) }))
    try {
      await adapter.execute({ kind: 'set-peers', interface: interfaceName, peers }, AbortSignal.timeout(SET_TIMEOUT_MS))
      return true
    } catch (thrown) {
      log.warn({ why: reasonOf(thrown) }, 'peers could not be given the places where they were last seen')
      return false
    }
  }

  return {
    beginAnew: (peers) => {
      const anew = new Set(peers.map(({ publicKey }) => publicKey))
      attempts = keptAttempts(attempts, (key) => !anew.has(key))
    },

    call: async (interfaceName, everybody) => {
      const now = clock.now()
      const lost = everybody.filter(({ peer: { publicKey } }) => {
        const seen = peerMonitor.statsOf(publicKey)
        return seen !== null && seen.lastHandshakeSeconds === null && lastEndpoints.of(publicKey) !== null
      })
      const lostKeys = new Set(lost.map(({ peer }) => peer.publicKey))
      attempts = keptAttempts(attempts, (key) => lostKeys.has(key))
      if (!(await place(interfaceName, lost))) return
      const due = new Set(dueAttempts(attempts, [...lostKeys], now))
      const tried = lost.filter(({ peer }) => due.has(peer.publicKey))
      for (const { name, peer } of tried)
        if (!attempts.has(peer.publicKey))
          log.info({ name }, 'the session with a home or device is lost: calling it back')
      attempts = afterAttempts(attempts, [...due], now)
      triggerHandshakes(tried.map(({ address }) => address))
    },
  }
}
