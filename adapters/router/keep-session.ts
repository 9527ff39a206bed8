import { Problem, reasonOf } from '../../problems/problem.ts'
import { backoffMs } from '../../system/time/backoff.ts'
import type { Clock } from '../../system/time/clock.ts'
import { orCalledOff } from './called-off.ts'

/** A line to a router, of whatever kind. */
interface Line {
  readonly isOpen: () => boolean
  readonly close: () => void
}

/** One session that is kept for everyday questions, and made again when it died. */
export interface KeptSession<Session extends Line> {
  /** The kept one, opened when there is none. While a pause between attempts lasts it fails at once. */
  readonly current: (signal: AbortSignal) => Promise<Session>
  /** It answered. */
  readonly answered: () => void
  /** A question on it came to nothing. */
  readonly failed: (session: Session, thrown: unknown) => void
  /** null while not connected. */
  readonly peek: () => Session | null
  readonly close: () => void
}

export interface KeepOptions<Session extends Line> {
  readonly open: (signal: AbortSignal) => Promise<Session>
  /** For people: `connecting to the router 192.168.1.1:22`. */
  readonly what: string
  /** Its `now` counts the pauses. */
  readonly clock: Clock
}

/** The ceiling is what a cure may have to wait for it. */
const PAUSES = { firstMs: 1_000, ceilingMs: 8_000 } as const

export function keepSession<Session extends Line>({ open, what, clock }: KeepOptions<Session>): KeptSession<Session> {
  const life = new AbortController()
  let session: Session | null = null
  let opening: Promise<Session> | null = null
  /** Attempts in a row that came to nothing: no session, or one that ended before it had answered anything. */
  let failures = 0
  let hasAnswered = false
  let whyFailed = ''
  let notBefore = 0

  const noteFailure = (thrown: unknown): void => {
    failures += 1
    notBefore = clock.now() + backoffMs(PAUSES, failures)
    whyFailed = thrown instanceof Problem ? thrown.why : reasonOf(thrown)
  }

  const waiting = (why: string): Problem => new Problem('router-unreachable', { what, why })

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
    /** Everybody who asks meanwhile waits for the same attempt, each for as long as its own signal lets it. */
    current: (signal) => {
      if (session?.isOpen() === true) return Promise.resolve(session)
      if (life.signal.aborted) return Promise.reject(waiting('it was closed here'))
      const pause = notBefore - clock.now()
      if (opening === null && pause > 0)
        return Promise.reject(waiting(`${whyFailed} (the next attempt is due in ${Math.ceil(pause / 1000)} s)`))
      opening ??= reopen()
      return orCalledOff(opening, what, signal)
    },
    answered: () => {
      failures = 0
      hasAnswered = true
    },
    failed: (on, thrown) => {
      // Perhaps the line is dead without a word; if it is not, this costs no more than a login.
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
