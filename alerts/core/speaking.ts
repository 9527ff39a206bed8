import { type Incident, lastedMs, troubleOf } from './incident.ts'
import type { IncidentState, IncidentAction, Policy } from './state.ts'
import { inhibitedBy } from './trouble.ts'

const REMIND_FIRST_MS = 6 * 3_600_000
const REMIND_AGAIN_MS = 24 * 3_600_000
/** How long past due a home that reports the outage has the first word; then the hub speaks for it. */
const HOME_SPEAKS_FIRST_MS = 20_000
const REPORT_FRESH_MS = 60_000

/** Tells what this end has to tell of an incident without asking. */
export function spoken(
  incident: Incident,
  state: IncidentState,
  policy: Policy,
  now: number,
  acts: IncidentAction[],
): Incident {
  const { end } = state.settings
  let after = incident
  if (policy.tellsUnasked(incident, state, now) && isDue(incident, state, now)) after = say(after, state, now, acts)
  const { down, recovered, remindedAt } = after.said
  if (down?.by !== end || recovered !== null || after.silenced) return after
  if (after.ended !== null) {
    if (!policy.isExplained(after, now)) return after
    after = { ...after, said: { ...after.said, recovered: { by: end, at: now } } }
    acts.push({ kind: 'say', what: after.isFlapping ? 'steady' : 'recovered', incident: after })
    acts.push({ kind: 'write', incident: after })
    return after
  }
  if (now - (remindedAt ?? down.at) < (remindedAt === null ? REMIND_FIRST_MS : REMIND_AGAIN_MS)) return after
  after = { ...after, said: { ...after.said, remindedAt: now } }
  acts.push({ kind: 'say', what: 'reminder', incident: after }, { kind: 'write', incident: after })
  return after
}

export function say(incident: Incident, { settings }: IncidentState, now: number, acts: IncidentAction[]): Incident {
  const said = { ...incident, isWritten: true, said: { ...incident.said, down: { by: settings.end, at: now } } }
  acts.push({ kind: 'say', what: said.isFlapping ? 'unstable' : 'down', incident: said })
  acts.push({ kind: 'write', incident: said })
  return said
}

/** Whether people should be told: it has lasted long enough, nobody was told, and no other trouble inhibits it. */
export function isDue(incident: Incident, state: IncidentState, now: number): boolean {
  const { settings, incidents, speaksSince } = state
  const { said, silenced, ended, wellSince, drillUntil } = incident
  if (!settings.canSpeak || said.down !== null || silenced || drillUntil !== null) return false
  if ((ended ?? wellSince ?? Infinity) < speaksSince) return false
  // An incident that only the other end saw is the other's to tell.
  if (incident.views[settings.end] === null) return false
  const isShadow = incidents.some(
    (other) =>
      other.home === incident.home && other.ended === null && inhibitedBy(troubleOf(other)).includes(incident.scope),
  )
  if (isShadow) return false
  return incident.isFlapping || lastedMs(incident, incident.wellSince ?? now) >= settings.pendingMs[troubleOf(incident)]
}

/** Whether the home has the first word: it reported this outage while it lasts, and has somebody to tell. */
export function homeGoesFirst(incident: Incident, state: IncidentState, now: number): boolean {
  const report = state.reports[incident.home]
  if (incident.views.home === null || report === undefined || !report.canSpeak) return false
  const dueAt = incident.began + state.settings.pendingMs[troubleOf(incident)]
  return now - report.at < REPORT_FRESH_MS && now < dueAt + HOME_SPEAKS_FIRST_MS
}
