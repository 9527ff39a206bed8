import type { Socket } from 'node:net'
import { calledOff } from '../../router/called-off.ts'
import { Problem } from '../../../problems/problem.ts'
import { hostPort } from '../../../wireguard/host-port.ts'
import { loadLibrary } from './library.ts'
import { logIn } from './login.ts'
import type { Ends, Reply, RouterAccess, Row, Sentence, Session, StreamEnd } from './session.ts'
import { dial } from './transport.ts'
import { Trap } from './trap.ts'

export { Trap } from './trap.ts'

/** Sessions on the API of a RouterOS router. No reply of any router ends the process or leaves a promise unsettled. */

const COMMAND_MS = 10_000

/**
 * Connects and logs in.
 * @throws {Problem} `router-unreachable`, `router-certificate-mismatch`, `router-certificate-missing`,
 * `router-login-refused`, `router-timeout`, `router-library-mismatch`, `name-unresolved`, or what reading the password threw.
 */
export async function openSession(access: RouterAccess, signal: AbortSignal): Promise<Session> {
  await loadLibrary()
  const password = await access.password()
  const session = await sessionOn(await dial(access, signal), hostPort(access.host, access.port))
  try {
    await logIn(session.exec, access, password, signal)
    return session
  } catch (thrown) {
    session.close()
    throw thrown
  }
}

async function sessionOn(socket: Socket, router: string): Promise<Session> {
  const { connectorOn, Channel } = await loadLibrary()
  const connector = connectorOn(socket)
  const ends: Ends = { local: socket.localAddress ?? '', remote: socket.remoteAddress ?? '' }
  let tellEnd: (why: string) => void = () => undefined
  const ended = new Promise<string>((resolve) => {
    tellEnd = resolve
  })
  const pending = new Set<(why: string) => void>()
  let whyEnded: string | null = null

  const end = (why: string): void => {
    if (whyEnded !== null) return
    whyEnded = why
    socket.destroy()
    tellEnd(why)
    for (const fail of pending) fail(why)
  }
  socket.on('fatal', (reason: string) => end(`it ended the session: ${reason === '' ? 'no reason given' : reason}`))
  socket.on('error', (error: NodeJS.ErrnoException) => end(error.message === '' ? String(error.code) : error.message))
  socket.on('end', () => end('it ended the connection'))
  socket.on('close', () => end('the connection ended'))

  const send = (channel: InstanceType<typeof Channel>, sentence: Sentence): void => {
    // One TCP segment for a sentence; without the cork, it would be one for each word.
    socket.cork()
    // The library appends its tag to the array, so it gets an array of its own.
    void channel.write(wordsOf(sentence), false, false)
    socket.uncork()
  }

  const exec = (sentence: Sentence, signal: AbortSignal, timeoutMs = COMMAND_MS): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const what = `${sentence.command} on the router ${router}`
      if (whyEnded !== null) return reject(gone(what, whyEnded))
      if (signal.aborted) return reject(calledOff(what, signal))

      const channel = new Channel(connector)
      const rows: Row[] = []
      let ret: string | null = null
      let refusal: Row | null = null

      const settle = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        pending.delete(onEnd)
        channel.removeAllListeners()
        channel.close()
      }
      const giveUp = (problem: Problem): void => {
        settle()
        // Replies to the cancel command reach no channel and are dropped.
        connector.write(['/cancel', `=tag=${channel.Id}`, `.tag=${channel.Id}-cancel`])
        reject(problem)
      }
      const onEnd = (why: string): void => {
        settle()
        reject(gone(what, why))
      }
      const onAbort = (): void => giveUp(calledOff(what, signal))
      const timer = setTimeout(() => {
        giveUp(new Problem('router-timeout', { what, why: `no answer within ${timeoutMs / 1000} s` }))
      }, timeoutMs)
      signal.addEventListener('abort', onAbort)
      pending.add(onEnd)

      channel.on('data', (row: Row) => rows.push(row))
      channel.on('ret', (value: string) => {
        ret = value
      })
      // A command may be refused for more than one reason; the first names the cause.
      channel.on('trap', (attributes: Row) => {
        refusal ??= attributes
      })
      channel.on('close', () => {
        settle()
        if (refusal === null) resolve({ rows, ret })
        else reject(new Trap(refusal, rows))
      })

      send(channel, sentence)
    })

  const stream: Session['stream'] = (sentence, onRow, signal) =>
    new Promise((resolve) => {
      if (whyEnded !== null) return resolve({ kind: 'ended', why: whyEnded })
      if (signal.aborted) return resolve({ kind: 'cancelled', why: 'it was called off' })
      const channel = new Channel(connector)
      let refusal: Row | null = null
      const settle = (end: StreamEnd): void => {
        signal.removeEventListener('abort', onAbort)
        pending.delete(onEnd)
        channel.removeAllListeners()
        channel.close()
        resolve(end)
      }
      const onEnd = (why: string): void => settle({ kind: 'ended', why })
      const onAbort = (): void => {
        settle({ kind: 'cancelled', why: 'it was called off' })
        connector.write(['/cancel', `=tag=${channel.Id}`, `.tag=${channel.Id}-cancel`])
      }
      signal.addEventListener('abort', onAbort)
      pending.add(onEnd)
      channel.on('data', onRow)
      channel.on('trap', (attributes: Row) => {
        refusal ??= attributes
      })
      channel.on('close', () =>
        settle(
          refusal === null
            ? { kind: 'ended', why: `it ended ${sentence.command}` }
            : { kind: 'refused', why: new Trap(refusal, []).message },
        ),
      )
      send(channel, sentence)
    })

  return { exec, stream, ended, isOpen: () => whyEnded === null, ends, close: () => end('it was closed here') }
}

function wordsOf({ command, attributes = {}, queries = [] }: Sentence): string[] {
  return [command, ...Object.entries(attributes).map(([name, value]) => `=${name}=${value}`), ...queries]
}

function gone(what: string, why: string): Problem {
  return new Problem('router-unreachable', { what, why })
}
