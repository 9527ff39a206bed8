import { reasonOf } from '../problems/problem.ts'
import type { IncidentRecord } from '../protocol/incidents.ts'
import type { Log } from '../system/process/log.ts'
import type { Clock } from '../system/time/clock.ts'
import type { End } from './core/trouble.ts'
import { readIncidents } from './record/incident-log.ts'

/** How far back an end looks at its start. */
const REMEMBERED_MS = 7 * 24 * 3_600_000

/** Incidents to begin with: those of the last week, and those that last. Never fails: without a memory none. */
export async function recentIncidents(stateDir: string, clock: Clock, log: Log): Promise<readonly IncidentRecord[]> {
  try {
    const from = new Date(clock.wall().getTime() - REMEMBERED_MS).toISOString()
    return (await readIncidents(stateDir)).filter(({ began, ended }) => ended === null || began >= from)
  } catch (thrown) {
    log.warn({ why: reasonOf(thrown) }, 'what is remembered of outages cannot be read')
    return []
  }
}

/** Whether this end still has work with the incident. On the hub with any: a home may still report it. */
export function isUnfinished({ ended, met, said }: IncidentRecord, end: End): boolean {
  return ended === null || end === 'hub' || !met || (said.down?.by === end && said.recovered === null)
}
