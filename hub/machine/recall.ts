import type { Adapter } from '../../adapters/adapter.ts'
import { reasonOf } from '../../problems/problem.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import type { PeerSpec } from '../../wireguard/spec.ts'
import { afterCalling, type Calls, dueCalls, keptCalls } from './calls.ts'
import type { Whereabouts } from '../presence/whereabouts.ts'
import type { Witness } from '../presence/witness.ts'

/**
 * Calls homes and devices back whose session this machine's WireGuard has lost: after a restart, or because somebody took the peer
 * out. The peer gets the place it was last seen at, and a small datagram into the tunnel, a knock, makes WireGuard shake
 * hands towards it, through the mapping that the carrier still holds. So the tunnel is back before anybody misses it.
 */
export interface Recall {
  /** Looks whom to call, and calls. Never throws. */
  readonly call: (interfaceName: string, everybody: readonly Called[]) => Promise<void>
  /** These were put in a moment ago: whoever is being called among them is called at once, and for a whole minute. */
  readonly beginAnew: (peers: readonly Pick<PeerSpec, 'publicKey'>[]) => void
}

/** A home or a device. */
interface Called {
  readonly name: string
  /** Inside the tunnel. */
  readonly address: string
  readonly peer: PeerSpec
}

const SET_TIMEOUT_MS = 10_000

export function makeRecall(parts: {
  readonly adapter: Adapter
  readonly witness: Witness
  readonly whereabouts: Whereabouts
  readonly knock: (addresses: readonly string[]) => void
  readonly clock: Clock
  readonly log: Log
}): Recall {
  const { adapter, witness, whereabouts, knock, clock, log } = parts
  let calls: Calls = new Map()

  /** Gives those of them a place whom WireGuard has none for. False: it could not be done. */
  async function place(interfaceName: string, lost: readonly Called[]): Promise<boolean> {
    const isHomeless = ({ peer }: Called): boolean => witness.sighting(peer.publicKey)?.endpoint === null
    // They may have come by themselves since the last look: what WireGuard learned is not overwritten.
    if (lost.some(isHomeless)) await witness.look()
    const homeless = lost.filter(isHomeless)
    if (homeless.length === 0) return true
    const peers = homeless.map(({ peer }) => ({ ...peer, endpoint: whereabouts.of(peer.publicKey) }))
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
      calls = keptCalls(calls, (key) => !anew.has(key))
    },

    call: async (interfaceName, everybody) => {
      const now = clock.now()
      const lost = everybody.filter(({ peer: { publicKey } }) => {
        const seen = witness.sighting(publicKey)
        return seen !== null && seen.lastHandshakeSeconds === null && whereabouts.of(publicKey) !== null
      })
      const lostKeys = new Set(lost.map(({ peer }) => peer.publicKey))
      calls = keptCalls(calls, (key) => lostKeys.has(key))
      if (!(await place(interfaceName, lost))) return
      const due = new Set(dueCalls(calls, [...lostKeys], now))
      const called = lost.filter(({ peer }) => due.has(peer.publicKey))
      for (const { name, peer } of called)
        if (!calls.has(peer.publicKey)) log.info({ name }, 'the session with a home or device is lost: calling it back')
      calls = afterCalling(calls, [...due], now)
      knock(called.map(({ address }) => address))
    },
  }
}
