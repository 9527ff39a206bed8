import type { Session } from '../api/api.ts'

/** Where something is done on the router, and for how long it may take. */
export interface Place {
  readonly exec: Session['exec']
  readonly signal: AbortSignal
}
