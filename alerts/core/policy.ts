import type { Incident } from './incident.ts'
import { homeGoesFirst, isDue } from './speaking.ts'
import type { IncidentState, Policy } from './state.ts'
import type { End } from './trouble.ts'

/** How long the hub waits for the home's explanation of an outage that is over. */
const HOME_EXPLAINS_MS = 15_000
/** Age from which a home's report counts no more: a home that is heard is then believed to be well. */
const REPORT_STALE_MS = 900_000
const KEPT_MS = 24 * 3_600_000
const MOST_KEPT = 100

const atHome: Policy = {
  asks: true,
  tellsUnasked: () => false,
  isExplained: () => true,
  awaitsOther: () => false,
  isDone: (incident, state, now) => {
    const { ended, met, said } = incident
    if (ended === null || !met) return false
    return said.down === null ? !isDue(incident, state, now) : said.down.by !== 'home' || said.recovered !== null
  },
  mostKept: MOST_KEPT,
}

const atHub: Policy = {
  asks: false,
  tellsUnasked: (incident, state, now) => !homeGoesFirst(incident, state, now),
  isExplained: ({ ended, views }, now) =>
    (views.home?.ended ?? null) !== null || (ended !== null && now - ended >= HOME_EXPLAINS_MS),
  // The home may know better than what the hub hears.
  awaitsOther: ({ home, views }, state, now) =>
    views.home !== null && views.home.ended === null && now - reportedAt(state, home) < REPORT_STALE_MS,
  isDone: (incident, state, now) =>
    incident.ended === null ? isOrphan(incident, state, now) : now - incident.ended >= KEPT_MS,
  mostKept: MOST_KEPT * 10,
}

export const POLICIES: Readonly<Record<End, Policy>> = { home: atHome, hub: atHub }

/** Whether only a home could see an incident, and that home is silent by now. */
function isOrphan({ home, began, views }: Incident, state: IncidentState, now: number): boolean {
  return views.hub === null && now - Math.max(began, reportedAt(state, home)) >= KEPT_MS
}

function reportedAt({ reports }: IncidentState, home: string): number {
  return reports[home]?.at ?? -Infinity
}
