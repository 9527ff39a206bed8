import { Problem } from '../../../problems/problem.ts'
import type { Clock } from '../../../system/time/clock.ts'
import { keepSession } from '../../router/keep-session.ts'
import { hostPort } from '../../../wireguard/host-port.ts'
import { type Ends, type ExecOptions, openSession, type Outcome, type RouterAccess, type Session } from './ssh.ts'

export type Exec = (script: string, options: ExecOptions) => Promise<Outcome>

/** The connection to the router: one session that is kept, and others on demand. */
export interface Connection {
  /**
   * Executes on the kept session, opened when there is none. A script that was sent when the session died may have been
   * executed, and is not sent again.
   */
  readonly exec: Exec
  /** Executes a script that changes nothing: sent once more, on a new session, when the old one is found dead. */
  readonly ask: Exec
  /** Opens another session, for proofs. The caller closes it. */
  readonly fresh: (signal: AbortSignal) => Promise<Session>
  readonly ends: () => Ends | null
  readonly close: () => void
}

/** @param clock whose `now` counts the pauses between attempts. */
export function keepConnection(access: RouterAccess, clock: Clock): Connection {
  const what = `connecting to the router ${hostPort(access.host, access.port)}`
  const kept = keepSession({ open: (signal) => openSession(access, signal), what, clock })

  const exec: Exec = async (script, options) => {
    const session = await kept.current(options.signal)
    try {
      const outcome = await session.exec(script, options)
      kept.answered()
      return outcome
    } catch (thrown) {
      kept.failed(session, thrown)
      throw thrown
    }
  }

  return {
    exec,
    ask: async (script, options) => {
      try {
        return await exec(script, options)
      } catch (thrown) {
        const isDead = thrown instanceof Problem && thrown.code === 'router-unreachable' && kept.peek() === null
        if (!isDead || options.signal.aborted) throw thrown
        return exec(script, options)
      }
    },
    fresh: (signal) => openSession(access, signal),
    ends: () => kept.peek()?.ends ?? null,
    close: () => kept.close(),
  }
}

/** The router's own words, when a command that should not fail did. */
export class Refused extends Error {
  override readonly name = 'Refused'
  /** The router's words; empty when it said nothing. */
  readonly routerWords: string

  constructor({ code, stdout, stderr }: Outcome) {
    const words = [stderr, stdout].map((text) => text.trim()).find((text) => text !== '') ?? ''
    super(words === '' ? `a command ended with status ${code}` : words.slice(0, 500))
    this.routerWords = words
  }
}

/** Executes a script. @throws {Refused} when it failed. */
export async function done(exec: Exec, script: string, options: ExecOptions): Promise<string> {
  const outcome = await exec(script, options)
  if (outcome.code !== 0) throw new Refused(outcome)
  return outcome.stdout
}
