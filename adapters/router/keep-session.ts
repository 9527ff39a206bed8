import { Problem, reasonOf } from '../../problems/problem.ts'
import { backoffMs } from '../../system/time/backoff.ts'
import type { Clock } from '../../system/time/clock.ts'
import { orCalledOff } from './called-off.ts'

/** A connection to a router, of any kind. */
interface Line {
  readonly isOpen: () => boolean
  readonly close: () => void
}

/** One session that is kept for everyday questions, and opened again when it died. */
export interface KeptSession<Session extends Line> {
  /** The kept session, opened when there is none. Fails at once while a pause between attempts lasts. */
  readonly current: (signal: AbortSignal) => Promise<Session>
  /** Notes that the session answered. */
  readonly answered: () => void
  /** Notes that a question on the session failed. */
  readonly failed: (session: Session, thrown: unknown) => void
  /** The open session; null while not connected. */
  readonly peek: () => Session | null
  readonly close: () => void
}

export interface KeepOptions<Session extends Line> {
  readonly open: (signal: AbortSignal) => Promise<Session>
  /** A description for people: `connecting to the router 192.168.1.1:22`. */
  readonly what: string
  /** The clock whose `now` counts the pauses. */
  readonly clock: Clock
}

/** How long to wait between attempts. The ceiling is how long a remedy may have to wait for the router. */
const PAUSES = { firstMs: 1_000, ceilingMs: 8_000 } as const

export function keepSession<Session extends Line>({ open, what, clock }: KeepOptions<Session>): KeptSession<Session> {
  const life = new AbortController()
  let session: Session | null = null
  let opening: Promise<Session> | null = null
  /** Attempts in a row that failed: no session, or one that ended before it had answered anything. */
  let failures = 0
  let hasAnswered = false
  /** The last failure. */
  let failure: Problem | null = null
  let notBefore = 0

  const noteFailure = (thrown: unknown): void => {
    failures += 1
    notBefore = clock.now() + backoffMs(PAUSES, failures)
    failure =
      thrown instanceof Problem
        ? thrown
        : new Problem('router-unreachable', { what, why: reasonOf(thrown), cause: thrown })
  }

  /** While a pause lasts the router is what it was at its last answer: refusing a login, for one, and not silent. */
  const waiting = (pauseMs: number): Problem => {
    const due = `(the next attempt is due in ${Math.ceil(pauseMs / 1000)} s)`
    if (failure === null) return new Problem('router-unreachable', { what, why: `it did not answer ${due}` })
    return new Problem(failure.code, { what, why: `${failure.why} ${due}`, next: failure.next, cause: failure })
  }

  const reopen = async (): Promise<Session> => {
    try {
      const opened = await open(life.signal)
      session = opened
      hasAnswered = false
      return opened
    } catch (thrown) {
      noteFailure(thrown)
      throw thrown
    } finally {
      opening = null
    }
  }

  return {
    /** All callers during an attempt wait for that one, each for as long as its own signal lets it. */
    current: (signal) => {
      if (session?.isOpen() === true) return Promise.resolve(session)
      if (life.signal.aborted)
        return Promise.reject(new Problem('router-unreachable', { what, why: 'it was closed here' }))
      const pause = notBefore - clock.now()
      if (opening === null && pause > 0) return Promise.reject(waiting(pause))
      opening ??= reopen()
      return orCalledOff(opening, what, signal)
    },
    answered: () => {
      failures = 0
      hasAnswered = true
    },
    failed: (on, thrown) => {
      // The connection may be silently dead; if it is not, this costs no more than a login.
      if (thrown instanceof Problem && thrown.code === 'router-timeout') on.close()
      if (on.isOpen() || on !== session) return
      session = null
      if (!hasAnswered) noteFailure(thrown)
    },
    peek: () => (session?.isOpen() === true ? session : null),
    close: () => {
      life.abort()
      session?.close()
    },
  }
}
