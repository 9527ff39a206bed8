import { Problem, reasonOf } from '../../../problems/problem.ts'
import { makeMutex } from '../../../system/process/mutex.ts'
import { sleep } from '../../../system/time/sleep.ts'
import type { FollowEnd, Heard } from '../../follow.ts'
import { orCalledOff } from '../../router/called-off.ts'
import type { Heeding } from '../observe/calm-look.ts'
import { heededIn, type Look } from '../observe/look.ts'
import type { Connection } from '../ssh/exec.ts'
import type { ProgramEnd } from '../ssh/program.ts'
import type { Session } from '../ssh/ssh.ts'
import { ASKS, HEED, interfaceIn, SAYS, STATUS } from './heed-script.ts'

/** A shell on the router that heeds it all the time, while somebody follows it. */
export interface Heed {
  readonly follow: (heard: Heard, signal: AbortSignal) => Promise<FollowEnd>
  /**
   * A look at what changes all the time, and at whether anything else did, by that shell: no login, no channel and no
   * other shell for it. null: there is none, or it did not answer as it should and is given up.
   */
  readonly look: (...what: Parameters<Heeding['look']>) => Promise<Look | null>
}

/** How often the shell is asked whether it lives; whether the line does, SSH asks by itself. */
const PULSE_MS = 20_000
const ANSWER_MS = 10_000

/** More than any answer is: the shell is none any more. */
const MOST_LINES = 2_000

/** One shell that runs. */
interface Shell {
  readonly ask: (question: string, signal: AbortSignal) => Promise<readonly string[]>
  readonly begun: Promise<unknown>
  /** Never rejects. */
  readonly ended: Promise<ProgramEnd>
  readonly close: () => void
}

/** An answer of which some lines may have come. */
interface Waiting {
  readonly lines: string[]
  readonly done: () => void
  readonly fail: (why: string) => void
  readonly said: Promise<readonly string[]>
}

export function makeHeed(connection: Pick<Connection, 'fresh'>): Heed {
  let running: Shell | null = null
  /** Devices of ours, as last asked for: of others' interfaces much is told that matters to nobody here. */
  let ours: readonly string[] = []

  async function follow(heard: Heard, signal: AbortSignal): Promise<FollowEnd> {
    let session: Session
    try {
      // One of its own: dropbear 2022.82 drops a line with two channels (openwrt#11208).
      session = await connection.fresh(signal)
    } catch (thrown) {
      return { kind: 'ended', why: reasonOf(thrown) }
    }
    const close = (): void => session.close()
    signal.addEventListener('abort', close)
    if (signal.aborted) close()
    try {
      const shell = startShell(session, heard)
      const why = await Promise.race([shell.ended, heeding(shell, heard, signal).catch(reasonOf)])
      if (typeof why === 'string') return { kind: 'ended', why }
      return { kind: why.code === STATUS.unable ? 'unsupported' : 'ended', why: why.why }
    } finally {
      running = null
      signal.removeEventListener('abort', close)
      close()
    }
  }

  async function heeding(shell: Shell, heard: Heard, signal: AbortSignal): Promise<never> {
    await shell.begun
    running = shell
    heard.begun()
    for (;;) {
      await sleep(PULSE_MS, signal)
      await shell.ask(ASKS.pulse, signal)
    }
  }

  function startShell(session: Session, heard: Heard): Shell {
    const mutex = makeMutex()
    let waiting: Waiting | null = null
    let gone: string | null = null
    const begun = answerOf(ANSWER_MS)

    /** An answer that takes its time: the session is given up, since what it would say then belongs to nothing. */
    function answerOf(withinMs: number): Waiting {
      const what = 'asking the router’s shell'
      const lines: string[] = []
      let done: Waiting['done'] = () => undefined
      let fail: Waiting['fail'] = () => undefined
      const said = new Promise<readonly string[]>((resolve, reject) => {
        done = () => resolve(lines)
        fail = (why) => reject(new Problem('router-unreachable', { what, why }))
      })
      const timer = setTimeout(() => session.close(), withinMs)
      // Whoever waits hears of it as well.
      said.catch(() => undefined).finally(() => clearTimeout(timer))
      return { lines, done, fail, said }
    }

    const program = session.start(HEED, (line) => {
      const named = interfaceIn(line)
      if (named !== null) {
        if (ours.length === 0 || ours.includes(named)) heard.changed()
      } else if (line === SAYS.changed) heard.changed()
      else if (line === SAYS.begun) begun.done()
      else if (waiting === null) session.close()
      else {
        waiting.lines.push(line)
        if (line === SAYS.alive || line === SAYS.end) waiting.done()
        else if (waiting.lines.length > MOST_LINES) session.close()
      }
    })
    void program.ended.then(({ why }) => {
      gone = why
      begun.fail(why)
      waiting?.fail(why)
    })

    const ask = (question: string, signal: AbortSignal): Promise<readonly string[]> =>
      mutex.runExclusive(async () => {
        waiting = answerOf(ANSWER_MS)
        if (gone !== null) waiting.fail(gone)
        program.say(question)
        try {
          return await orCalledOff(waiting.said, 'asking the router’s shell', signal)
        } catch (thrown) {
          // A late answer would be the next one's.
          session.close()
          throw thrown
        } finally {
          waiting = null
        }
      }, signal)

    return { ask, begun: begun.said, ended: program.ended, close: () => session.close() }
  }

  return {
    follow,
    look: async (own, has, signal) => {
      const shell = running
      if (shell === null) return null
      if (own.length > 0) ours = own
      try {
        const question = ASKS.look(own, has)
        const lines = await shell.ask(question, signal)
        // Of a question that comes as its time to read ends, busybox's `read` loses the beginning: that is none it knows.
        return heededIn(lines[0] === SAYS.alive ? await shell.ask(question, signal) : lines)
      } catch {
        // One that answers something else is none to rely on: the next one begins afresh.
        shell.close()
        running = null
        return null
      }
    },
  }
}
