import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { reasonOf } from '../../problems/problem.ts'
import { type Caller, makeCallers } from './callers.ts'
import { EXPOSITION_TYPE, exposition, type Family } from './exposition.ts'
import type { Log } from '../process/log.ts'

const LIMITS = {
  headerBytes: 4 * 1024,
  requestMs: 2_000,
} as const

/**
 * Answers GET /metrics on loopback until the signal ends it. A port that is taken is only logged: the tunnel does not
 * depend on it.
 * @param port null: off.
 */
export async function serveMetrics(
  port: number | null,
  families: () => Promise<readonly Family[]>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  if (port === null || signal.aborted) return
  const server = makeServer(families, log)
  server.listen(port, '127.0.0.1', () => log.info({ port }, 'metrics are at /metrics on loopback'))
  await new Promise<void>((resolve) => {
    server.once('error', (error) => {
      log.error({ port, why: error.message }, 'metrics cannot be offered')
      resolve()
    })
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  server.closeAllConnections()
  server.close()
}

/** Answers one question per connection, so that an answered caller makes room. */
function makeServer(families: () => Promise<readonly Family[]>, log: Log): Server {
  const callers = makeCallers()
  const admitted = new WeakMap<Socket, Caller>()
  const server = createServer(
    { maxHeaderSize: LIMITS.headerBytes, headersTimeout: LIMITS.requestMs, requestTimeout: LIMITS.requestMs },
    (request, response) => {
      const caller = admitted.get(request.socket)
      caller?.asked()
      const answer = (status: number, type: string, text: string): void => {
        caller?.answering()
        response.writeHead(status, { 'content-type': type, connection: 'close' }).end(text)
      }
      if (request.method !== 'GET' || request.url !== '/metrics') return answer(404, 'text/plain', 'see /metrics\n')
      families().then(
        (all) => answer(200, EXPOSITION_TYPE, exposition(all)),
        (thrown: unknown) => {
          log.warn({ why: reasonOf(thrown) }, 'metrics could not be gathered')
          answer(503, 'text/plain', 'not now\n')
        },
      )
    },
  )
  server.maxRequestsPerSocket = 1
  server.on('connection', (socket) => admitted.set(socket, callers.admit(socket)))
  return server
}
