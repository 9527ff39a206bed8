import type { HubWord } from '../protocol/echo.ts'
import type { HeartbeatResponder } from './heartbeat-responder.ts'
import type { SecondsSinceInitiation } from './initiations.ts'
import type { Home } from './store-document.ts'
import type { Witness } from './witness.ts'

/** What the hub's WireGuard knows of a home that asks from this address: for echoes and for the registrar. */
export type WordOf = (home: Home, sourceAddress: string) => Promise<HubWord>

/** @param heartbeats null where no daemon runs. */
export function makeWord(
  witness: Pick<Witness, 'sighting'>,
  heartbeats: Pick<HeartbeatResponder, 'heardSeconds'> | null,
  secondsSinceInitiation: SecondsSinceInitiation,
): WordOf {
  return async (home, sourceAddress) => {
    const initiatedSeconds = await secondsSinceInitiation(sourceAddress)
    const seen = witness.sighting(home.publicKey)
    return {
      peerKnown: seen !== null,
      handshakeSeconds: seen?.lastHandshakeSeconds ?? null,
      heardSeconds: latest(seen?.heardSeconds ?? null, heartbeats?.heardSeconds(home.address) ?? null),
      initiatedSeconds,
    }
  }
}

function latest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b)
}
