import { nextIncidents } from '../../../alerts/core/rules.ts'
import type { IncidentState, IncidentEvent } from '../../../alerts/core/state.ts'
import type { Trouble } from '../../../alerts/core/trouble.ts'

export function next(before: IncidentState, event: IncidentEvent, now: number) {
  const [state, acts] = nextIncidents(before, event, now)
  return { state, acts, kinds: acts.map(({ kind }) => kind) }
}

export const sign = (more: Partial<Extract<IncidentEvent, { kind: 'sign' }>>) =>
  ({ kind: 'sign', id: 'new', home: 'cabin', scope: 'tunnel', trouble: 'flow-dead', since: 0, ...more }) as const

export const passing = (trouble: Trouble) => ({ kind: 'passing', id: 'new', home: 'cabin', trouble }) as const
