import type { Log } from '../../system/process/log.ts'
import { formatEndpoint } from '../../wireguard/spec.ts'
import type { Calendar } from '../../system/time/calendar.ts'
import { causeOf, type Health } from '../core/evidence/health.ts'
import type { EventLog } from '../memory/event-log.ts'
import type { NewEvent } from '../memory/events.ts'
import type { EventRecorder } from '../tunnel/effects.ts'
import type { Told } from '../core/state.ts'
import { isoSeconds } from './status.ts'

export function makeEventRecorder(
  note: (event: NewEvent) => void,
  calendar: Calendar,
  events: Pick<EventLog, 'lastMapping'>,
  log: Log,
): EventRecorder {
  let registrar: 'reachable' | 'unreachable' | 'refusing' | null = null

  function record(action: Told): void {
    switch (action.kind) {
      case 'tell-health': {
        const { from, to } = action
        const seconds = Math.round((to.since - from.since) / 100) / 10
        const cause = causeOf(to)
        log[isBadNews(from.kind, to.kind) ? 'warn' : 'info'](
          { from: from.kind, to: to.kind, cause, seconds },
          `the tunnel is ${to.kind}`,
        )
        return note({ kind: 'tunnel', from: from.kind, to: to.kind, cause, seconds })
      }
      case 'tell-cause': {
        const { cause } = action
        log.warn({ cause }, 'a cause is named')
        return note({ kind: 'cause', cause })
      }
      case 'tell-mapping': {
        const { from, to, ended, changes } = action.change
        const said = from === null ? 'the hub sees this home' : 'the hub sees this home elsewhere than before'
        const before = from === null ? null : formatEndpoint(from.endpoint)
        log.info({ from: before, to: formatEndpoint(to.endpoint), ended, changes }, said)
        // The mapping was there before this agent: the events know since when.
        const since =
          from === null
            ? null
            : from.since === null
              ? (events.lastMapping()?.at ?? null)
              : isoSeconds(calendar.at(from.since))
        const previous = from === null || ended === null ? null : { ...from.endpoint, since, ended }
        return note({ kind: 'mapping', ...to.endpoint, changes, previous })
      }
      case 'tell-remedy': {
        const { remedy, cause, helped } = action.report
        const seconds = Math.round(action.report.seconds * 100) / 100
        log.info({ remedy, cause, helped, seconds }, helped ? 'a remedy helped' : 'a remedy did not help')
        return note({ kind: 'remedy', remedy, cause, helped, seconds })
      }
      default:
        return action satisfies never
    }
  }

  return {
    record,
    registered: (reason, { outcome, problem, mapping }) => {
      // One each ten minutes is no news.
      const level = reason === 'periodic' && registrar === 'reachable' ? 'debug' : 'info'
      if (outcome === 'done') log[level]({ reason, mapping }, 'registered at the hub')
      const now = outcome === 'done' ? 'reachable' : outcome === 'unreachable' ? 'unreachable' : 'refusing'
      if (now === registrar) return
      if (problem !== null) log.warn({ code: problem.code, reason }, problem.message)
      // A reachable registrar is worth a line only after it was not reachable.
      if (registrar !== null || now !== 'reachable') note({ kind: 'registrar', to: now, why: problem?.why ?? null })
      registrar = now
    },
  }
}

/** What people see of an outage among the warnings: that it began. A doubt is none yet, and what is done against it are its details. */
function isBadNews(from: Health['kind'], to: Health['kind']): boolean {
  return to === 'offline' || (to === 'healing' && from !== 'offline')
}
