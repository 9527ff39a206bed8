import { agentConfigPath } from '../../agent/settings/config.ts'
import { readEvents } from '../../agent/memory/event-log.ts'
import type { HomeEvent } from '../../agent/memory/events.ts'
import { readIncidents } from '../../alerts/record/incident-log.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import { Problem } from '../../problems/problem.ts'
import type { IncidentRecord } from '../../protocol/incidents.ts'
import { isThere } from '../../system/files/is-there.ts'
import type { Context } from '../context.ts'
import { durationIn } from '../text/duration.ts'
import { eventText } from './event-text.ts'
import { incidentsCsv } from './incident-csv.ts'
import { incidentText } from './incident-text.ts'
import { orNoRoot } from '../or-no-root.ts'
import { printCsv, printFacts } from '../output.ts'

export interface EventsOptions {
  readonly since?: string
  readonly csv?: true
  readonly month?: string
}

/** `homeward events`: this end's events, oldest first; --csv: a month's outages and mappings, for the carrier. */
export async function events(context: Context, options: EventsOptions): Promise<void> {
  const isHub = !(await isThere(agentConfigPath(context.configDir))) && (await isThere(hubPaths(context).config))
  const happened = isHub ? [] : await orNoRoot(() => readEvents(context.stateDir))
  const incidents = await orNoRoot(() => readIncidents(context.stateDir))
  if (options.csv === true) {
    const month = monthOf(options.month)
    printCsv(
      incidentsCsv(incidents.filter(({ began, drillUntil }) => began.startsWith(month) && drillUntil === undefined)),
    )
    return
  }
  const { since } = options
  const from = since === undefined ? '' : new Date(Date.now() - durationIn(since, '--since')).toISOString()
  // ISO 8601 in UTC sorts as text.
  const wanted: readonly HomeEvent[] = happened.filter((event) => event.at >= from)
  const outages: readonly IncidentRecord[] = incidents.filter(({ began, ended }) => (ended ?? began) >= from)
  printFacts(context, { events: wanted, incidents: outages }, ({ events, incidents }) => {
    const lines = [
      ...events.map((event) => [event.at, eventText(event)] as const),
      ...incidents.map((incident) => [incident.began, incidentText(incident)] as const),
    ]
    return (
      lines
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([, line]) => line)
        .join('\n') || 'nothing happened'
    )
  })
}

/** The month, such as `2026-11`; default: this month. */
function monthOf(month: string | undefined): string {
  if (month === undefined) return new Date().toISOString().slice(0, 7)
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) return month
  throw new Problem('wrong-usage', {
    what: `reading --month ${JSON.stringify(month)}`,
    why: 'expected a month',
    next: 'Write it as 2026-11',
  })
}
