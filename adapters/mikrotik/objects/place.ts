import type { Session } from '../api/session.ts'

/** The session on which something is done on the router, and the signal that limits it. */
export interface Place {
  readonly exec: Session['exec']
  readonly signal: AbortSignal
}
