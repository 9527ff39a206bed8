import {
  createServer as createPlain,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'

/** What came to it. */
export interface Received {
  readonly at: number
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** How it treats who comes by a path that begins so; the longest that fits counts. */
export type Manner = 'take' | 'hang' | 'drop' | { readonly status: number; readonly retryAfterSeconds?: number }

export interface AlertReceiver {
  readonly port: number
  readonly received: readonly Received[]
  readonly behave: (path: string, manner: Manner) => void
  readonly close: () => Promise<void>
}

/** Somebody's alert server: takes what comes, remembers all of it, and misbehaves when told to. */
export async function openAlertReceiver(
  tls: { readonly key: string; readonly certificate: string } | null,
  { address = '127.0.0.1', port = 0 }: { readonly address?: string; readonly port?: number } = {},
): Promise<AlertReceiver> {
  const received: Received[] = []
  const manners = new Map<string, Manner>()

  function mannerFor(path: string): Manner {
    const fitting = [...manners].filter(([begins]) => path.startsWith(begins))
    return fitting.sort(([a], [b]) => b.length - a.length)[0]?.[1] ?? 'take'
  }

  function listener(request: IncomingMessage, response: ServerResponse): void {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (part: string) => {
      body += part
    })
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      received.push({ at: Date.now(), method, path: url, headers, body })
      const manner = mannerFor(url)
      if (manner === 'hang') return
      if (manner === 'drop') {
        request.socket.destroy()
        return
      }
      const { status, retryAfterSeconds } =
        manner === 'take' ? { status: 200, retryAfterSeconds: undefined } : { retryAfterSeconds: undefined, ...manner }
      if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds))
      response.writeHead(status, { 'content-type': 'application/json' }).end('{"ok":true}')
    })
  }

  const server: Server =
    tls === null
      ? (createPlain(listener) as unknown as Server)
      : createServer({ key: tls.key, cert: tls.certificate }, listener)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    received,
    behave: (path, manner) => void manners.set(path, manner),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
