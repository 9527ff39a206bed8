import type { PeerView } from '../../protocol/datagrams/echo.ts'
import type { HeartbeatResponder } from './heartbeat-responder.ts'
import type { SecondsSinceInitiation } from './initiations.ts'
import type { Home } from '../core/store-document.ts'
import type { PeerMonitor } from './peer-monitor.ts'

/** Tells what the hub's WireGuard knows of a home that asks from this address: for echoes and for the registrar. */
export type PeerViewOf = (home: Home, sourceAddress: string) => Promise<PeerView>

/** @param heartbeats null where no daemon runs. */
export function makePeerView(
  peerMonitor: Pick<PeerMonitor, 'statsOf' | 'ageSeconds' | 'look'>,
  heartbeats: Pick<HeartbeatResponder, 'heardSeconds'> | null,
  secondsSinceInitiation: SecondsSinceInitiation,
): PeerViewOf {
  return async (home, sourceAddress) => {
    const initiatedSeconds = await secondsSinceInitiation(sourceAddress)
    // A peer that was just added is not missing: look before saying so.
    const stale = (peerMonitor.ageSeconds() ?? Number.POSITIVE_INFINITY) > STALE_SECONDS
    if (stale && peerMonitor.statsOf(home.publicKey) === null) await peerMonitor.look()
    const seen = peerMonitor.statsOf(home.publicKey)
    return {
      peerKnown: seen !== null,
      handshakeSeconds: seen?.lastHandshakeSeconds ?? null,
      heardSeconds: latest(seen?.heardSeconds ?? null, heartbeats?.heardSeconds(home.address) ?? null),
      initiatedSeconds,
    }
  }
}

/** How old a look may be: however many ask about missing peers, WireGuard is looked at five times a second. */
const STALE_SECONDS = 0.2

/** The shorter of two ages. */
export function latest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b)
}
