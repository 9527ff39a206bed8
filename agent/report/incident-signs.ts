import type { Alerting } from '../../alerts/alerting.ts'
import type { Clock } from '../../system/time/clock.ts'
import { sleep } from '../../system/time/sleep.ts'
import { formatEndpoint } from '../../wireguard/spec.ts'
import { causeOf } from '../core/evidence/health.ts'
import type { Told, Watch } from '../core/state.ts'
import type { KeyFileState } from '../rotation/key-file.ts'

/** Turns events of the loop into signs for the alarm. */
export interface IncidentSigns {
  readonly tell: (action: Told, watch: Watch) => void
  /** The router that the tunnel ends on answered, or did not. */
  readonly routerAnswered: (answered: boolean) => void
  /** Looks for troubles that no event tells, since they change nothing of the tunnel. */
  readonly run: (look: () => Watch, keyFile: () => KeyFileState, signal: AbortSignal) => Promise<void>
}

const LOOK_EVERY_MS = 5_000

/** How long after coming up the registrar was asked again: pauses after failures last 60 s and a quarter at most. */
const SETTLED_MS = 90_000

export function makeIncidentSigns(
  alerting: Pick<Alerting, 'sign' | 'passing' | 'note' | 'changed'>,
  home: () => string,
  clock: Clock,
): IncidentSigns {
  let isRouterSilent = false
  /** The last change of the mapping. */
  let moved: Extract<Parameters<Alerting['note']>[0], { kind: 'moved' }> | null = null

  function besides({ health, isDaemonSilent, registration }: Watch, keyFile: KeyFileState): void {
    // While the tunnel is silent, the silence is the trouble; and earlier answers say nothing of now.
    if (health.kind !== 'up' || clock.now() - health.since < SETTLED_MS) return
    say('hub-daemon', 'hub-daemon-silent', isDaemonSilent)
    say('registrar', 'registrar-unreachable', registration.registrar === 'unreachable')
    // One scope: whether the machine that the tunnel ends on could be given all of it again.
    const isKeyLost = keyFile === 'damaged'
    say('router', isRouterSilent ? 'router-silent' : 'key-file-damaged', isRouterSilent || isKeyLost)
  }

  function say(
    scope: 'hub-daemon' | 'registrar' | 'router',
    trouble: 'hub-daemon-silent' | 'registrar-unreachable' | 'router-silent' | 'key-file-damaged',
    isSo: boolean,
  ): void {
    if (isSo) alerting.sign(home(), scope, trouble, clock.now())
    else alerting.note({ kind: 'well', home: home(), scope, since: clock.now() })
  }

  return {
    tell: (action, watch) => {
      switch (action.kind) {
        case 'tell-health': {
          const { from, to } = action
          alerting.changed()
          if (to.kind === 'up') return alerting.note({ kind: 'well', home: home(), scope: 'tunnel', since: to.since })
          // The first sign is the silence after the last answer.
          const since = from.kind === 'up' ? from.provenAt : from.since
          return alerting.sign(home(), 'tunnel', causeOf(to) ?? 'unknown', since)
        }
        case 'tell-cause': {
          if (watch.health.kind !== 'up') return alerting.sign(home(), 'tunnel', action.cause, watch.health.since)
          alerting.passing(home(), action.cause)
          // The mapping change was told before its cause, when there was no incident yet.
          if (action.cause === 'mapping-changed' && moved !== null) alerting.note(moved)
          return
        }
        case 'tell-mapping': {
          const { from, to } = action.change
          const before = from === null ? null : formatEndpoint(from.endpoint)
          moved = { kind: 'moved', home: home(), before, after: formatEndpoint(to.endpoint) }
          return alerting.note(moved)
        }
        case 'tell-remedy': {
          const { remedy, helped } = action.report
          // Full size passes again: that is tried against nothing, whatever is open meanwhile.
          if (remedy === 'set-mtu' && helped && watch.pathMtu.mtu >= watch.pathMtu.configured) return
          const seconds = Math.round(action.report.seconds * 100) / 100
          return alerting.note({ kind: 'tried', home: home(), tried: { ...action.report, seconds } })
        }
        default:
          return action satisfies never
      }
    },
    routerAnswered: (answered) => {
      isRouterSilent = !answered
    },
    run: async (look, keyFile, signal) => {
      while (!signal.aborted) {
        besides(look(), keyFile())
        await sleep(LOOK_EVERY_MS, signal)
      }
    },
  }
}
