import { type IncidentRecord, MOST_FAILING } from '../../protocol/incidents.ts'
import { type Incident, lastedMs, troubleOf } from '../core/incident.ts'
import { isTrouble } from './troubles.ts'

/** Tells a monotonic moment's time by the calendar. */
export type TimeAt = (moment: number) => Date

/** An incident as it is written down and sent. */
export function toRecord(incident: Incident, at: TimeAt, now: number): IncidentRecord {
  const time = (moment: number): string => at(moment).toISOString()
  const timeOr = (moment: number | null): string | null => (moment === null ? null : time(moment))
  const view = (one: Incident['views']['home']) =>
    one === null ? null : { began: time(one.began), ended: timeOr(one.ended) }
  const said = (one: Incident['said']['down']) => (one === null ? null : { by: one.by, at: time(one.at) })
  const { id, alias, home, scope, began, ended, flaps, isFlapping, causes, tried, mapping, views, silenced, met } =
    incident
  const { subject, failing } = incident
  return {
    id,
    alias,
    home,
    scope,
    ...(subject === null ? {} : { subject }),
    ...(failing.length === 0 ? {} : { failing: failing.slice(0, MOST_FAILING) }),
    ...(failing.length <= MOST_FAILING ? {} : { moreFailing: failing.length - MOST_FAILING }),
    began: time(began),
    ended: timeOr(ended),
    seconds: ended === null ? null : Math.round(lastedMs(incident, now) / 100) / 10,
    cause: troubleOf(incident),
    causes: causes.map(({ trouble, at: moment }) => ({ cause: trouble, at: time(moment) })),
    flaps,
    unstable: isFlapping,
    tried: tried.map((one) => ({ ...one })),
    mapping,
    views: { home: view(views.home), hub: view(views.hub) },
    said: {
      down: said(incident.said.down),
      recovered: said(incident.said.recovered),
      reminded: timeOr(incident.said.remindedAt),
    },
    ...(silenced ? { silenced } : {}),
    ...(incident.drillUntil === null ? {} : { drillUntil: time(incident.drillUntil) }),
    met,
  }
}

/** The two clocks of one moment: the calendar that a record is written by, and our monotonic clock. */
export interface Moment {
  readonly wall: number
  readonly now: number
}

/** A record of another end or run, on this machine's monotonic clock. What is not known here counts as unknown. */
export function fromRecord(record: IncidentRecord, { wall, now }: Moment): Incident {
  const moment = (text: string): number => now - (wall - Date.parse(text))
  const momentOr = (text: string | null): number | null => (text === null ? null : moment(text))
  const view = (one: IncidentRecord['views']['home']) =>
    one === null ? null : { began: moment(one.began), ended: momentOr(one.ended) }
  const said = (one: IncidentRecord['said']['down']) => (one === null ? null : { by: one.by, at: moment(one.at) })
  const { id, alias, home, scope, flaps, unstable, causes, tried, mapping, views, met } = record
  // Times by the calendar may be some seconds apart from the measured ones, when the clock was set meanwhile.
  const ended = momentOr(record.ended)
  const began = ended === null || record.seconds === null ? moment(record.began) : ended - record.seconds * 1_000
  return {
    id,
    alias,
    home,
    scope,
    subject: record.subject ?? null,
    failing: record.failing ?? [],
    began,
    ended,
    wellSince: null,
    flaps,
    isFlapping: unstable,
    causes: causes.map(({ cause, at }) => ({ trouble: isTrouble(cause) ? cause : 'unknown', at: moment(at) })),
    tried,
    mapping,
    isWritten: true,
    views: { home: view(views.home), hub: view(views.hub) },
    said: {
      down: said(record.said.down),
      recovered: said(record.said.recovered),
      remindedAt: momentOr(record.said.reminded),
    },
    silenced: record.silenced ?? false,
    drillUntil: record.drillUntil === undefined ? null : moment(record.drillUntil),
    met,
  }
}
