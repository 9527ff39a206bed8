import type { Log } from '../../system/process/log.ts'
import type { HeartbeatResponder } from './heartbeat-responder.ts'
import type { Mappings } from './kept/mappings.ts'
import type { Home } from '../core/store-document.ts'
import type { PeerMonitor } from './peer-monitor.ts'
import { latest } from './peer-view.ts'

/** Notes where the peer monitor sees each home, and logs what changed. Never throws. */
export async function noteMappings(
  homes: readonly Home[],
  deps: {
    readonly mappings: Mappings
    readonly peerMonitor: Pick<PeerMonitor, 'statsOf'>
    /** null where no daemon runs. */
    readonly heartbeats: Pick<HeartbeatResponder, 'heardSeconds'> | null
    readonly log: Log
  },
): Promise<void> {
  const { mappings, peerMonitor, heartbeats, log } = deps
  mappings.keep(homes.map((home) => home.name))
  for (const { name, publicKey, address } of homes) {
    const seen = peerMonitor.statsOf(publicKey)
    if (seen === null || seen.endpoint === null) continue
    const heardSeconds = latest(seen.heardSeconds, heartbeats?.heardSeconds(address) ?? null)
    const change = mappings.note(name, seen.endpoint, heardSeconds)
    if (change !== null) log.info({ home: name, ...change }, 'the mapping of a home changed')
  }
  await mappings.save()
}
