import { connect, createServer, type Server, type Socket } from 'node:net'
import { asProblem, Problem } from '../../problems/problem.ts'
import { writeFailure } from '../../problems/write-failure.ts'
import { isProblemCode } from '../../problems/catalogue.ts'
import { type Caller, type Callers, makeCallers } from './callers.ts'
import { giveSocket } from '../files/give-socket.ts'
import { sleep } from '../time/sleep.ts'
import { removeStaleSocket } from './stale-socket.ts'

/** Answers one question; the result travels as JSON. A thrown Problem travels with its code. */
export type LocalHandler = (verb: string, input: unknown) => Promise<unknown>

export interface LocalServer {
  readonly close: () => Promise<void>
}

/** The longest question in bytes, one line of JSON; ours are far shorter. */
const LONGEST_LINE = 4 * 1024
/** The longest answer in characters; a hub with thousands of homes sends less. */
const LONGEST_ANSWER = 16 * 1024 * 1024
/** How long a check for a daemon waits while the listener is full. */
const SERVED_MS = 5_000
/** How long a caller that is being answered may still take when the daemon ends. */
const LAST_ANSWER_MS = 1_000
/** How often to try for the socket. Each try ends with it ours, or in the hands of somebody else. */
const MOST_TRIES = 10

/**
 * Answers commands of this machine on a unix socket: one line of JSON in, one out. Holding the socket is also the
 * lock that keeps a second daemon away: it dies with the process, whatever killed that.
 * @param mode 0o600 for control, 0o666 for answers that hold no secret.
 * @throws {Problem} `already-running` when somebody answers there.
 */
export async function serveLocal(path: string, mode: number, handler: LocalHandler): Promise<LocalServer> {
  const callers = makeCallers()
  const server = await take(path, (socket) => serve(callers.admit(socket), handler))
  try {
    await giveSocket(path, mode)
  } catch (thrown) {
    await close(server, callers)
    throw writeFailure(`listening on ${path}`, path, thrown)
  }
  return { close: () => close(server, callers) }
}

/** Takes the socket. bind(2) refuses a name that exists, so of several daemons that start at once one gets it. */
async function take(path: string, onConnection: (socket: Socket) => void): Promise<Server> {
  const what = `listening on ${path}`
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    // A caller that has ended its side still waits for the answer.
    const server = createServer({ allowHalfOpen: true }, onConnection)
    if (await listen(server, path)) return server
    if (await isServed(path)) throw new Problem('already-running', { what, why: 'another homeward holds it' })
    await removeStale(path)
  }
  throw new Problem('already-running', { what, why: 'others took it again and again' })
}

async function removeStale(path: string): Promise<void> {
  try {
    await removeStaleSocket(path, refuses)
  } catch (thrown) {
    throw writeFailure(`removing ${path}`, path, thrown)
  }
}

/**
 * Asks the daemon behind a unix socket. null when none listens there, or it ended before it read the question.
 * @throws {Problem} the daemon's own problem, or `no-answer` after `timeoutMs`.
 */
export async function askLocal(
  path: string,
  verb: string,
  input: unknown,
  timeoutMs = 30_000,
): Promise<{ readonly answer: unknown } | null> {
  const what = `asking the daemon at ${path}`
  const question = `${JSON.stringify({ verb, input })}\n`
  if (Buffer.byteLength(question) > LONGEST_LINE)
    throw new Problem('request-invalid', { what, why: `the question is longer than ${LONGEST_LINE} bytes` })
  const until = performance.now() + timeoutMs
  for (let tries = 1; ; tries += 1) {
    const socket = await open(path, until)
    if (socket === null) return null
    try {
      const line = await exchange(socket, question, until, timeoutMs, what)
      if (line !== null) return answerIn(line, what)
    } finally {
      socket.destroy()
    }
    // The daemon ended, or had no room for us: the next try tells which.
    if (performance.now() > until) throw new Problem('no-answer', { what, why: 'too many others are asking it' })
    await sleep(Math.random() * Math.min(100, 10 * tries))
  }
}

function answerIn(line: string, what: string): { readonly answer: unknown } {
  let reply: { answer?: unknown; problem?: Record<'code' | 'what' | 'why' | 'next', string> }
  try {
    reply = JSON.parse(line) as typeof reply
  } catch (thrown) {
    throw new Problem('no-answer', { what, why: 'its answer is not what this version expects', cause: thrown })
  }
  if (reply.problem === undefined) return { answer: reply.answer }
  const { code, ...details } = reply.problem
  throw new Problem(isProblemCode(code) ? code : 'internal', details)
}

/** Closes the listener. libuv removes the file before its name is free, so nobody else's is removed. */
async function close(server: Server, callers: Callers): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  for (const { socket, hasAsked } of callers.all()) if (!hasAsked()) socket.destroy()
  const late = setTimeout(() => {
    for (const { socket } of callers.all()) socket.destroy()
  }, LAST_ANSWER_MS)
  await closed
  clearTimeout(late)
}

function serve(caller: Caller, handler: LocalHandler): void {
  const { socket } = caller
  let heard = Buffer.alloc(0)
  socket.on('end', () => {
    if (!caller.hasAsked()) socket.destroy()
  })
  socket.on('data', (part: Buffer) => {
    if (caller.hasAsked()) return
    const end = part.indexOf(0x0a)
    if (heard.length + (end < 0 ? part.length : end) > LONGEST_LINE) {
      socket.destroy()
      return
    }
    heard = Buffer.concat([heard, end < 0 ? part : part.subarray(0, end)])
    if (end < 0) return
    caller.asked()
    // Data behind the question is left unread.
    socket.pause()
    void reply(heard.toString('utf8'), handler).then((answer) => {
      caller.answering()
      // The kernel holds the answer from then on, so a slow reader gets it too (unix(7)).
      socket.end(`${JSON.stringify(answer)}\n`, () => socket.destroy())
    })
  })
}

async function reply(line: string, handler: LocalHandler): Promise<unknown> {
  try {
    const { verb, input } = JSON.parse(line) as { verb: string; input: unknown }
    return { answer: (await handler(verb, input)) ?? null }
  } catch (thrown) {
    const { code, what, why, next } = asProblem(thrown, 'answering a local command')
    return { problem: { code, what, why, next } }
  }
}

/** Listens; false when the name is taken. */
function listen(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') return resolve(false)
      reject(writeFailure(`listening on ${path}`, path, error))
    })
    server.listen(path, () => {
      server.removeAllListeners('error')
      resolve(true)
    })
  })
}

/** Whether a daemon answers behind the socket. */
export async function isServed(path: string): Promise<boolean> {
  const socket = await open(path, performance.now() + SERVED_MS)
  socket?.destroy()
  return socket !== null
}

/** Whether the name exists and nobody listens behind it: its holder was killed. */
async function refuses(path: string): Promise<boolean> {
  const opened = await openOnce(path, true)
  if (typeof opened === 'string') return opened === 'refused'
  opened.destroy()
  return false
}

async function open(path: string, until: number): Promise<Socket | null> {
  for (;;) {
    const opened = await openOnce(path, performance.now() < until)
    if (typeof opened !== 'string') return opened
    if (opened !== 'full') return null
    await sleep(20)
  }
}

/**
 * Connects once. `refused`: by a socket whose process is gone. `gone`: there is no socket, or it ended while we waited
 * to be accepted (af_unix.c). `full`: the listener's backlog is full (unix(7), connect(2)).
 */
function openOnce(path: string, isPatient: boolean): Promise<Socket | 'refused' | 'gone' | 'full'> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(socket))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') return resolve('refused')
      if (error.code === 'ENOENT' || error.code === 'ECONNRESET') return resolve('gone')
      if (error.code === 'EAGAIN' && isPatient) return resolve('full')
      reject(new Problem('no-answer', { what: `asking the daemon at ${path}`, why: error.message, cause: error }))
    })
  })
}

/** The answer; null: the other end closed before it read the whole line: nothing came of it (unix(7), write(2)). */
function exchange(
  socket: Socket,
  line: string,
  until: number,
  timeoutMs: number,
  what: string,
): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let text = ''
    const late = setTimeout(() => fail(`no answer within ${timeoutMs / 1000} s`), until - performance.now())
    const fail = (why: string): void => {
      clearTimeout(late)
      reject(new Problem('no-answer', { what, why }))
    }
    const end = (whole: string | null): void => {
      clearTimeout(late)
      resolve(whole)
    }
    socket.setEncoding('utf8')
    socket.on('error', ({ code, message }: NodeJS.ErrnoException) =>
      code === 'EPIPE' || code === 'ECONNRESET' ? end(null) : fail(message),
    )
    socket.on('data', (part: string) => {
      text += part
      if (text.length > LONGEST_ANSWER) fail('its answer is too long')
    })
    socket.on('end', () => (text.endsWith('\n') ? end(text) : fail('it closed the connection')))
    socket.write(line)
  })
}
