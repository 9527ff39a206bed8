import { createServer } from 'node:http'
import { reasonOf } from '../problems/problem.ts'
import { EXPOSITION_TYPE, exposition, type Family } from './exposition.ts'
import type { Log } from './log.ts'

/**
 * Answers GET /metrics on loopback until the signal ends it. A port that is taken is said in the log: nothing of the tunnel
 * hangs on it.
 * @param port null: off.
 */
export async function serveMetrics(
  port: number | null,
  families: () => Promise<readonly Family[]>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  if (port === null || signal.aborted) return
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('see /metrics\n')
      return
    }
    families().then(
      (all) => response.writeHead(200, { 'content-type': EXPOSITION_TYPE }).end(exposition(all)),
      (thrown: unknown) => {
        log.warn({ why: reasonOf(thrown) }, 'metrics could not be gathered')
        response.writeHead(503, { 'content-type': 'text/plain' }).end('not now\n')
      },
    )
  })
  server.headersTimeout = 5_000
  server.requestTimeout = 5_000
  server.maxConnections = 16
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
