import { rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { asProblem, Problem, reasonOf } from '../problems/problem.ts'
import { isProblemCode } from '../problems/catalogue.ts'
import { giveSocket } from './give-socket.ts'

/** Answers one question; whatever it returns travels as JSON. A thrown Problem travels with its code. */
export type LocalHandler = (verb: string, input: unknown) => Promise<unknown>

export interface LocalServer {
  readonly close: () => Promise<void>
}

/** A question is one line of JSON; 1 MiB is far above any of ours and bounds what a confused caller can cost. */
const LONGEST_LINE = 1024 * 1024
const IDLE_MS = 60_000
/** Whoever is being answered when the daemon ends gets this long for it. */
const LAST_ANSWER_MS = 1_000
/** Each try ends in the socket, or in somebody else's who has it. */
const MOST_TRIES = 10

/**
 * Answers commands of this machine on a unix socket: one line of JSON in, one out. Holding the socket is also the
 * lock that keeps a second daemon away: it dies with the process, whatever killed that.
 * @param mode 0o600 for control, 0o666 for answers that hold no secret.
 * @throws {Problem} `already-running` when somebody answers there.
 */
export async function serveLocal(path: string, mode: number, handler: LocalHandler): Promise<LocalServer> {
  const connections = new Set<Connection>()
  const server = await take(path, (socket) => {
    const connection = serve(socket, handler)
    connections.add(connection)
    socket.once('close', () => connections.delete(connection))
  })
  await giveSocket(path, mode)
  return { close: () => close(server, connections) }
}

/** bind(2) refuses a name that is there, so of several who come at once one gets it. */
async function take(path: string, onConnection: (socket: Socket) => void): Promise<Server> {
  const what = `listening on ${path}`
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    // Whoever has said all it wants to say still waits for the answer.
    const server = createServer({ allowHalfOpen: true }, onConnection)
    if (await listen(server, path)) return server
    if (await isServed(path)) throw new Problem('already-running', { what, why: 'another homeward holds it' })
    await removeStale(path)
  }
  throw new Problem('already-running', { what, why: 'others took it again and again' })
}

/**
 * Takes away what a killed holder left. It is moved first: whoever took the name since we looked would else be left
 * listening behind a name that is gone, and gets it back here.
 */
async function removeStale(path: string): Promise<void> {
  const aside = `${path}.${process.pid}`
  try {
    await rename(path, aside)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return
    throw new Problem('write-failed', { what: `removing ${path}`, why: reasonOf(thrown), cause: thrown })
  }
  if (await isServed(aside)) await rename(aside, path)
  else await rm(aside, { force: true })
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
  const socket = await open(path)
  if (socket === null) return null
  const what = `asking the daemon at ${path}`
  try {
    const line = await exchange(socket, `${JSON.stringify({ verb, input })}\n`, timeoutMs, what)
    if (line === null) return null
    const reply = JSON.parse(line) as { answer?: unknown; problem?: Record<'code' | 'what' | 'why' | 'next', string> }
    if (reply.problem === undefined) return { answer: reply.answer }
    const { code, ...details } = reply.problem
    throw new Problem(isProblemCode(code) ? code : 'internal', details)
  } finally {
    socket.destroy()
  }
}

/** The file goes first, by libuv, before its name is free: so nobody else's is removed. */
async function close(server: Server, connections: ReadonlySet<Connection>): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  for (const { socket, isAnswered } of connections) if (!isAnswered()) socket.destroy()
  const late = setTimeout(() => {
    for (const { socket } of connections) socket.destroy()
  }, LAST_ANSWER_MS)
  await closed
  clearTimeout(late)
}

interface Connection {
  readonly socket: Socket
  readonly isAnswered: () => boolean
}

function serve(socket: Socket, handler: LocalHandler): Connection {
  let text = ''
  socket.setEncoding('utf8')
  socket.setTimeout(IDLE_MS, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('end', () => {
    if (!text.includes('\n')) socket.destroy()
  })
  socket.on('data', (part: string) => {
    text += part
    const end = text.indexOf('\n')
    if (end < 0) {
      if (text.length > LONGEST_LINE) socket.destroy()
      return
    }
    socket.removeAllListeners('data')
    void reply(text.slice(0, end), handler).then((answer) => socket.end(`${JSON.stringify(answer)}\n`))
  })
  return { socket, isAnswered: () => text.includes('\n') }
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

/** False when the name is taken. */
function listen(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') return resolve(false)
      reject(new Problem('write-failed', { what: `listening on ${path}`, why: error.message, cause: error }))
    })
    server.listen(path, () => {
      server.removeAllListeners('error')
      resolve(true)
    })
  })
}

/** Whether a daemon answers there. */
export async function isServed(path: string): Promise<boolean> {
  const socket = await open(path)
  socket?.destroy()
  return socket !== null
}

function open(path: string): Promise<Socket | null> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(socket))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // No file, or a file that a killed daemon left behind.
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return resolve(null)
      reject(new Problem('no-answer', { what: `asking the daemon at ${path}`, why: error.message, cause: error }))
    })
  })
}

/** null: the other end was closed before it had read all of the line, so nothing came of it (unix(7), write(2)). */
function exchange(socket: Socket, line: string, timeoutMs: number, what: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let text = ''
    const fail = (why: string): void => reject(new Problem('no-answer', { what, why }))
    socket.setEncoding('utf8')
    socket.setTimeout(timeoutMs, () => fail(`no answer within ${timeoutMs / 1000} s`))
    socket.on('error', ({ code, message }: NodeJS.ErrnoException) =>
      code === 'EPIPE' || code === 'ECONNRESET' ? resolve(null) : fail(message),
    )
    socket.on('data', (part: string) => {
      text += part
    })
    socket.on('end', () => (text.endsWith('\n') ? resolve(text) : fail('it closed the connection')))
    socket.write(line)
  })
}
