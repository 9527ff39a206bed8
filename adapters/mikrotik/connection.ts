import { Problem, reasonOf } from '../../problems/problem.ts'
import type { Clock } from '../../system/clock.ts'
import { type Ends, openSession, type Reply, type RouterAccess, type Sentence, type Session } from './api.ts'

/** One session that is kept for everyday questions, and made again when it died. */
export interface Connection {
  /**
   * On the kept session, opened when there is none. A print that finds it dead is asked once more on a new one; whatever
   * else was sent may have been carried out, and is not. While a pause between attempts lasts it fails at once.
   * @throws {Trap | Problem} what Session's exec and openSession throw.
   */
  readonly exec: Session['exec']
  /** Another session of its own, for changes under a rollback and for proofs. The caller closes it. */
  readonly fresh: (signal: AbortSignal) => Promise<Session>
  /** Our address as the connection has it, and the router's; null while not connected. */
  readonly ends: () => Ends | null
  readonly close: () => void
}

/** After each attempt in a row that failed, twice as long. The longest is what a cure may have to wait for it. */
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 8_000

/** @param clock whose `now` counts the pauses. */
export function keepConnection(access: RouterAccess, clock: Clock): Connection {
  const life = new AbortController()
  let session: Session | null = null
  let opening: Promise<Session> | null = null
  /** Attempts in a row that came to nothing: no session, or one that ended before it had answered anything. */
  let failures = 0
  let hasAnswered = false
  let whyFailed = ''
  let notBefore = 0

  const noteFailure = (thrown: unknown): void => {
    notBefore = clock.now() + Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS)
    failures += 1
    whyFailed = thrown instanceof Problem ? thrown.why : reasonOf(thrown)
  }

  const open = async (): Promise<Session> => {
    try {
      const opened = await openSession(access, life.signal)
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

  /** Everybody who asks meanwhile waits for the same attempt, each for as long as its own signal lets it. */
  const opened = (signal: AbortSignal): Promise<Session> => {
    if (session?.isOpen() === true) return Promise.resolve(session)
    if (life.signal.aborted) return Promise.reject(waiting(access, 'it was closed here'))
    const pause = notBefore - clock.now()
    if (opening === null && pause > 0)
      return Promise.reject(waiting(access, `${whyFailed} (the next attempt is due in ${Math.ceil(pause / 1000)} s)`))
    opening ??= open()
    return orCalledOff(opening, access, signal)
  }

  const execOn = async (on: Session, ...[sentence, signal, timeoutMs]: Parameters<Session['exec']>): Promise<Reply> => {
    try {
      const reply = await on.exec(sentence, signal, timeoutMs)
      failures = 0
      hasAnswered = true
      return reply
    } catch (thrown) {
      // Perhaps the line is dead without a word; if it is not, this costs no more than a login.
      if (thrown instanceof Problem && thrown.code === 'router-timeout') on.close()
      if (!on.isOpen() && on === session) {
        session = null
        if (!hasAnswered) noteFailure(thrown)
      }
      throw thrown
    }
  }

  const exec = async (sentence: Sentence, signal: AbortSignal, timeoutMs?: number): Promise<Reply> => {
    const first = await opened(signal)
    try {
      return await execOn(first, sentence, signal, timeoutMs)
    } catch (thrown) {
      const isDead = thrown instanceof Problem && thrown.code === 'router-unreachable'
      if (!isDead || !sentence.command.endsWith('/print')) throw thrown
      return execOn(await opened(signal), sentence, signal, timeoutMs)
    }
  }

  return {
    exec,
    fresh: (signal) => openSession(access, signal),
    ends: () => (session?.isOpen() === true ? session.ends : null),
    close: () => {
      life.abort()
      session?.close()
    },
  }
}

function waiting({ host, port }: RouterAccess, why: string): Problem {
  return new Problem('router-unreachable', { what: `connecting to the router ${host}:${port}`, why })
}

function orCalledOff(opening: Promise<Session>, { host, port }: RouterAccess, signal: AbortSignal): Promise<Session> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      const what = `connecting to the router ${host}:${port}`
      const next = 'Run it again when you are ready'
      reject(new Problem('interrupted', { what, why: 'it was called off', next, cause: signal.reason }))
    }
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    void opening.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
