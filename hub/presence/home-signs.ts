import type { Alerting } from '../../alerts/alerting.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Presences } from './presence.ts'
import type { Home } from '../core/store-document.ts'
import type { PeerMonitor } from './peer-monitor.ts'

/** Tells the alarm which homes are silent. */
export interface HomeSigns {
  /** Looks, once a second. */
  readonly look: (homes: readonly Home[]) => void
}

/** After what silence an agent is missed whose WireGuard is heard: more than a restarting agent needs. */
const AGENT_SILENT_SECONDS = 45
const AGENT_SILENT_HEARTBEATS = 4
/** How late a look is that was held up: this process was stopped, or its machine slept. Usually there is one a second. */
const HELD_UP_MS = 15_000
/** How long a hub listens then, before it calls anybody silent: what came meanwhile waits, or is lost, and a keepalive comes each 25 s. */
const LISTEN_AGAIN_MS = 30_000
/** After what time a peer monitor that sees nothing says nothing of homes. */
const BLIND_SECONDS = 5

export function makeHomeSigns(
  alerting: Pick<Alerting, 'sign' | 'note'>,
  peerMonitor: Pick<PeerMonitor, 'ageSeconds'>,
  presences: Pick<Presences, 'of' | 'intervalSeconds'>,
  clock: Clock,
): HomeSigns {
  let known: readonly Home[] | null = null
  let lookedAt: number | null = null
  let listensUntil = -Infinity

  /** Whether this hub was held up a moment ago: the silence of homes is its own then. */
  function isDeaf(): boolean {
    const now = clock.now()
    if (lookedAt !== null && now - lookedAt > HELD_UP_MS) listensUntil = now + LISTEN_AGAIN_MS
    lookedAt = now
    return now < listensUntil
  }

  function lookAt(home: Home): void {
    const { name } = home
    const now = clock.now()
    const presence = presences.of(home)
    switch (presence.kind) {
      case 'awaited':
        return
      case 'dark':
        return alerting.sign(name, 'tunnel', 'home-dark', now - presence.silentSeconds * 1_000)
      case 'heard': {
        const { heardSeconds, agentSilentSeconds } = presence
        // A handshake from before this hub listened proves nothing of now.
        if (heardSeconds === null) return
        alerting.note({ kind: 'well', home: name, scope: 'tunnel', since: now })
        const isSilent =
          agentSilentSeconds >=
          Math.max(AGENT_SILENT_SECONDS, AGENT_SILENT_HEARTBEATS * presences.intervalSeconds(name))
        if (isSilent) alerting.sign(name, 'agent', 'agent-silent', now - agentSilentSeconds * 1_000)
        else alerting.note({ kind: 'well', home: name, scope: 'agent', since: now })
        return
      }
      default:
        presence satisfies never
    }
  }

  return {
    look: (homes) => {
      if (homes !== known) alerting.note({ kind: 'homes', homes: homes.map(({ name }) => name) })
      known = homes
      if (isDeaf()) return
      if ((peerMonitor.ageSeconds() ?? Infinity) > BLIND_SECONDS) return
      for (const home of homes) lookAt(home)
    },
  }
}
