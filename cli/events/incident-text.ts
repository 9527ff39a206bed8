import { type IncidentRecord, reportedWord } from '../../protocol/incidents.ts'
import { ageText } from '../age.ts'

/** One outage as a line for people. */
export function incidentText(incident: IncidentRecord): string {
  const { began, home, scope, cause, seconds, flaps, tried, views, said } = incident
  const helped = tried.findLast((one) => one.helped)
  const parts = [
    seconds === null ? 'lasts' : ageText(seconds),
    ...(flaps === 0 ? [] : [`came back ${flaps}×`]),
    ...(helped === undefined ? [] : [`${reportedWord(helped.remedy)} helped`]),
    `seen by ${[...(views.home === null ? [] : ['home']), ...(views.hub === null ? [] : ['hub'])].join(' and ')}`,
    said.down === null ? 'nobody was told' : `told by the ${said.down.by}`,
  ]
  return `${began.slice(0, 19)}Z  incident at ${home}${scope === 'tunnel' ? '' : ` (${scope})`}: ${reportedWord(cause)}, ${parts.join(', ')}`
}
