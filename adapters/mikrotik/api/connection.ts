import { Problem } from '../../../problems/problem.ts'
import type { Clock } from '../../../system/time/clock.ts'
import { keepSession } from '../../router/keep-session.ts'
import { hostPort } from '../../../wireguard/host-port.ts'
import { openSession } from './api.ts'
import type { Ends, Reply, RouterAccess, Sentence, Session } from './session.ts'

/** One session that is kept for everyday questions, and opened again when it died. */
export interface Connection {
  /**
   * Executes on the kept session, opened when there is none. A print that finds the session dead is sent once more on a
   * new one; any other command may have been executed, and is not. Fails at once while a pause between attempts lasts.
   * @throws {Trap | Problem} what Session's exec and openSession throw.
   */
  readonly exec: Session['exec']
  /** The kept session itself, opened when there is none: for streams, which end with it. */
  readonly session: (signal: AbortSignal) => Promise<Session>
  /** Opens another session, for changes under a rollback and for proofs. The caller closes it. */
  readonly fresh: (signal: AbortSignal) => Promise<Session>
  /** Our address and the router's on this connection; null while not connected. */
  readonly ends: () => Ends | null
  readonly close: () => void
}

/** @param clock whose `now` counts the pauses. */
export function keepConnection(access: RouterAccess, clock: Clock): Connection {
  const what = `connecting to the router ${hostPort(access.host, access.port)}`
  const kept = keepSession({ open: (signal) => openSession(access, signal), what, clock })

  const execOn = async (on: Session, ...[sentence, signal, timeoutMs]: Parameters<Session['exec']>): Promise<Reply> => {
    try {
      const reply = await on.exec(sentence, signal, timeoutMs)
      kept.answered()
      return reply
    } catch (thrown) {
      kept.failed(on, thrown)
      throw thrown
    }
  }

  const exec = async (sentence: Sentence, signal: AbortSignal, timeoutMs?: number): Promise<Reply> => {
    const first = await kept.current(signal)
    try {
      return await execOn(first, sentence, signal, timeoutMs)
    } catch (thrown) {
      const isDead = thrown instanceof Problem && thrown.code === 'router-unreachable'
      if (!isDead || !sentence.command.endsWith('/print')) throw thrown
      return execOn(await kept.current(signal), sentence, signal, timeoutMs)
    }
  }

  return {
    exec,
    session: kept.current,
    fresh: (signal) => openSession(access, signal),
    ends: () => kept.peek()?.ends ?? null,
    close: () => kept.close(),
  }
}
