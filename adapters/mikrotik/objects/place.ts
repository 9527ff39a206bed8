import type { Session } from '../api/session.ts'

/** Where something is done on the router, and for how long it may take. */
export interface Place {
  readonly exec: Session['exec']
  readonly signal: AbortSignal
}
