import { namedRemedy } from '../../alerts/record/remedies.ts'
import { namedCause } from '../../alerts/record/troubles.ts'
import type { IncidentRecord } from '../../protocol/incidents.ts'
import { localTime } from '../../system/time/local-time.ts'
import { ageText } from '../text/age.ts'

/** One outage as a line for people. */
export function incidentText(incident: IncidentRecord): string {
  const { began, home, scope, cause, seconds, flaps, tried, views, said } = incident
  const helped = tried.findLast((one) => one.helped)
  const lasted = seconds === null ? 'not over yet' : ageText(seconds)
  const came = flaps === 0 ? '' : `, came back ${flaps}×`
  const cured = helped === undefined ? '' : `, ${namedRemedy(helped.remedy)} helped`
  const seen = `seen by the ${[...(views.home === null ? [] : ['home']), ...(views.hub === null ? [] : ['hub'])].join(' and the ')}`
  const told = said.down === null ? 'no alert sent' : `alert sent by the ${said.down.by}`
  const what =
    incident.drillUntil !== undefined ? 'drill: outage on purpose' : scope === 'tunnel' ? 'outage' : 'trouble'
  return `${localTime(began)}  ${what} at ${home}, ${lasted}: ${namedCause(cause)}${came}${cured} (${seen}, ${told})`
}

/** The same for a status, which is of one home: when, how long, what it was, and what helped. */
export function outageText({ began, seconds, cause, tried }: IncidentRecord): string {
  const helped = tried.findLast((one) => one.helped)
  const lasted = seconds === null ? 'not over yet' : `for ${ageText(seconds)}`
  const cured = helped === undefined ? '' : `; ${namedRemedy(helped.remedy)} helped`
  return `${localTime(began)}, ${lasted}: ${namedCause(cause)}${cured}`
}
