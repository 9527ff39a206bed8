import { nextDesk } from '../../../alerts/core/desk.ts'
import type { Desk, DeskEvent } from '../../../alerts/core/state.ts'
import type { Trouble } from '../../../alerts/core/trouble.ts'

export function next(before: Desk, event: DeskEvent, now: number) {
  const [desk, acts] = nextDesk(before, event, now)
  return { desk, acts, kinds: acts.map(({ kind }) => kind) }
}

export const sign = (more: Partial<Extract<DeskEvent, { kind: 'sign' }>>) =>
  ({ kind: 'sign', id: 'new', home: 'cabin', scope: 'tunnel', trouble: 'flow-dead', since: 0, ...more }) as const

export const passing = (trouble: Trouble) => ({ kind: 'passing', id: 'new', home: 'cabin', trouble }) as const
