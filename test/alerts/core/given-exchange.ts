import { expect } from 'vitest'
import { asked, exchanged } from '../../../alerts/core/exchange.ts'
import type { Incident } from '../../../alerts/core/incident.ts'
import type { Answer, IncidentState, IncidentAction } from '../../../alerts/core/state.ts'
import { someDesk, someIncident } from './some.ts'

const QUIET = someDesk('home').exchange
export const BY_HUB = { down: { by: 'hub', at: 29_000 }, recovered: null, remindedAt: null } as const
export const BY_HOME = { down: { by: 'home', at: 31_000 }, recovered: null, remindedAt: null } as const
/** Lasts, and is not to be told yet. */
export const lasting = (id = 'one', more: Partial<Incident> = {}) => someIncident({ id, began: 20_000, ...more })

/** That asks the hub for these just now, unless said otherwise. */
export const atHome = (
  incidents: readonly Incident[],
  exchange: Partial<IncidentState['exchange']> = {},
  more: Partial<IncidentState> = {},
) => {
  const given = Object.fromEntries(
    incidents.map(({ id, causes, ended }) => [id, { causes: causes.length, isOver: ended !== null }]),
  )
  return someDesk('home', { incidents, exchange: { ...QUIET, given, ...exchange }, ...more })
}

export function ask(state: IncidentState, now: number) {
  const acts: IncidentAction[] = []
  const after = asked(state, now, acts)
  const questions = acts.flatMap((act) => (act.kind === 'exchange' ? [act] : []))
  expect(questions).toHaveLength(acts.length)
  expect(after.exchange.isUnderWay).toBe(state.exchange.isUnderWay || questions.length > 0)
  return { after, question: questions[0] ?? null, ids: questions[0]?.incidents.map(({ id }) => id) ?? null }
}

export function hear(state: IncidentState, answer: Answer | null, now: number, ids: readonly string[] = ['one']) {
  const acts: IncidentAction[] = []
  const after = exchanged(state, { kind: 'exchanged', asked: ids, answer }, now, acts)
  return { after, acts, says: acts.flatMap((act) => (act.kind === 'say' ? [[act.what, act.incident.id]] : [])) }
}

export const answerOf = (incident: Incident, was = 'one'): Answer => ({ incidents: [{ was, incident }], others: [] })
export const NOTHING: Answer = { incidents: [], others: [] }
