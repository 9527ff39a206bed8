import type { Alerting } from '../alerts/alerting.ts'
import type { Clock } from '../system/clock.ts'
import type { HeartbeatResponder } from './heartbeat-responder.ts'
import type { Home } from './store-document.ts'
import type { Witness } from './witness.ts'
import { latest } from './word.ts'

/** Looks which homes are silent. */
export interface HomeSigns {
  /** Once a second. */
  readonly look: (homes: readonly Home[]) => void
  /** A home says how often its heartbeats come when all is well. */
  readonly expect: (home: string, heartbeatSeconds: number) => void
}

/** A keepalive comes each 25 s, when nothing else does: above it nobody is left to speak. */
const SILENT_MS = 28_000
/** In heartbeats: an economical home is silent for longer. */
const SILENT_HEARTBEATS = 2.5
/** A home that was there before the hub was restarted gets so long to be heard. */
const FIRST_WORD_MS = 60_000
/** Its WireGuard is heard without its agent: what an agent that is restarted needs, and more. */
const AGENT_SILENT_MS = 45_000
const AGENT_SILENT_HEARTBEATS = 4
/** A witness that sees nothing says nothing of homes. */
const BLIND_SECONDS = 5

export function makeHomeSigns(
  alerting: Pick<Alerting, 'sign' | 'note'>,
  witness: Pick<Witness, 'sighting' | 'ageSeconds'>,
  heartbeats: Pick<HeartbeatResponder, 'heardSeconds'>,
  clock: Clock,
): HomeSigns {
  const startedAt = clock.now()
  let known: readonly Home[] | null = null
  const intervals = new Map<string, number>()

  function lookAt({ name, publicKey, address }: Home): void {
    const now = clock.now()
    const intervalMs = (intervals.get(name) ?? 5) * 1_000
    const heartbeatSeconds = heartbeats.heardSeconds(address)
    const heardSeconds = latest(witness.sighting(publicKey)?.heardSeconds ?? null, heartbeatSeconds)
    const silentMs = heardSeconds === null ? now - startedAt : heardSeconds * 1_000
    const darkMs = Math.max(SILENT_MS, SILENT_HEARTBEATS * intervalMs)
    if (silentMs >= (heardSeconds === null ? FIRST_WORD_MS : darkMs))
      return alerting.sign(name, 'tunnel', 'home-dark', now - silentMs)
    if (heardSeconds === null) return
    alerting.note({ kind: 'well', home: name, scope: 'tunnel', since: now })
    const quietMs = heartbeatSeconds === null ? now - startedAt - FIRST_WORD_MS : heartbeatSeconds * 1_000
    if (quietMs >= Math.max(AGENT_SILENT_MS, AGENT_SILENT_HEARTBEATS * intervalMs))
      alerting.sign(name, 'agent', 'agent-silent', now - quietMs)
    else alerting.note({ kind: 'well', home: name, scope: 'agent', since: now })
  }

  return {
    look: (homes) => {
      if (homes !== known) alerting.note({ kind: 'homes', homes: homes.map(({ name }) => name) })
      known = homes
      if ((witness.ageSeconds() ?? Infinity) > BLIND_SECONDS) return
      for (const home of homes) lookAt(home)
    },
    expect: (home, heartbeatSeconds) => void intervals.set(home, heartbeatSeconds),
  }
}
