import { reasonOf } from '../problems/problem.ts'
import type { IncidentRecord } from '../protocol/incidents.ts'
import type { Log } from '../system/process/log.ts'
import type { Clock } from '../system/time/clock.ts'
import type { End } from './core/trouble.ts'
import { readIncidents } from './record/incident-log.ts'

/** How long before its start an end looks back. */
const REMEMBERED_MS = 7 * 24 * 3_600_000

/** The incidents that an end begins with: those of the last week, and whatever lasts. Never fails: without a memory there are none. */
export async function recentIncidents(stateDir: string, clock: Clock, log: Log): Promise<readonly IncidentRecord[]> {
  try {
    const from = new Date(clock.wall().getTime() - REMEMBERED_MS).toISOString()
    return (await readIncidents(stateDir)).filter(({ began, ended }) => ended === null || began >= from)
  } catch (thrown) {
    log.warn({ why: reasonOf(thrown) }, 'what is remembered of outages cannot be read')
    return []
  }
}

/** Whether this end still has something to do for it. On the hub any of them: a home may still report it. */
export function isUnfinished({ ended, met, said }: IncidentRecord, end: End): boolean {
  return ended === null || end === 'hub' || !met || (said.down?.by === end && said.recovered === null)
}
