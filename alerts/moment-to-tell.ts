import type { Clock } from '../system/time/clock.ts'
import type { Calendar } from '../system/time/calendar.ts'
import type { IncidentAction } from './core/state.ts'

/** The time that a message tells. */
export function momentToTell(
  { what, incident }: Extract<IncidentAction, { kind: 'say' }>,
  calendar: Calendar,
  clock: Clock,
): Date {
  const isEnd = what === 'recovered' || what === 'steady'
  if (isEnd && incident.ended !== null) return calendar.at(incident.ended)
  if (incident.ended !== null) return calendar.at(incident.began)
  return clock.wall()
}
