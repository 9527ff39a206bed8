import type { Adapter } from '../../adapters/adapter.ts'
import { reasonOf } from '../../problems/problem.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { PeerSpec } from '../../wireguard/spec.ts'
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

/** WireGuard repeats the initiation each 5 s (REKEY_TIMEOUT) while something waits to be sent. */
const KNOCK_AGAIN_MS = 5_000
/** A mapping that did not answer for so long is gone; whoever it was will come by itself. */
const KNOCK_FOR_MS = 60_000
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
  /** Who is being called: since when, and when last. */
  const calling = new Map<PublicKey, { readonly since: number; lastAt: number }>()

  return {
    beginAnew: (peers) => {
      for (const { publicKey } of peers) calling.delete(publicKey)
    },

    call: async (interfaceName, everybody) => {
      const now = clock.now()
      const lost = everybody.filter(({ peer: { publicKey } }) => {
        const seen = witness.sighting(publicKey)
        return seen !== null && seen.lastHandshakeSeconds === null && whereabouts.of(publicKey) !== null
      })
      const lostKeys = new Set(lost.map(({ peer }) => peer.publicKey))
      for (const key of calling.keys()) if (!lostKeys.has(key)) calling.delete(key)
      const isHomeless = ({ peer }: Called): boolean => witness.sighting(peer.publicKey)?.endpoint === null
      // They may have come by themselves since the last look: what WireGuard learned is not overwritten.
      if (lost.some(isHomeless)) await witness.look()
      const homeless = lost.filter(isHomeless)
      try {
        if (homeless.length > 0) {
          const peers = homeless.map(({ peer }) => ({ ...peer, endpoint: whereabouts.of(peer.publicKey) }))
          await adapter.execute(
            { kind: 'set-peers', interface: interfaceName, peers },
            AbortSignal.timeout(SET_TIMEOUT_MS),
          )
        }
      } catch (thrown) {
        log.warn({ why: reasonOf(thrown) }, 'peers could not be given the places where they were last seen')
        return
      }
      const called = lost.filter(({ name, peer: { publicKey } }) => {
        const call = calling.get(publicKey)
        if (call !== undefined && (now - call.lastAt < KNOCK_AGAIN_MS || now - call.since > KNOCK_FOR_MS)) return false
        if (call === undefined) log.info({ name }, 'the session with a home or device is lost: calling it back')
        calling.set(publicKey, { since: call?.since ?? now, lastAt: now })
        return true
      })
      knock(called.map(({ address }) => address))
    },
  }
}
