import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import type { RouterAccess } from '../../../adapters/mikrotik/api/session.ts'
import { sentenceParser } from '../../../adapters/mikrotik/api/sentence-parser.ts'
import { encodeWord } from '../../../adapters/mikrotik/api/word-text.ts'

/** What the router of a test does with one sentence of ours. `tag` is the sentence's own, ready to be sent back. */
export type Answer = (words: readonly string[], tag: string, socket: Socket) => void

/** A server that takes sentences apart and answers exactly what a test says: every misbehaviour is possible. */
export interface RawRouter {
  readonly port: number
  readonly access: (certificate?: string | null) => RouterAccess
  /** Every sentence that came, logins too. */
  readonly heard: readonly (readonly string[])[]
  readonly sockets: ReadonlySet<Socket>
  readonly close: () => Promise<void>
}

export const PASSWORD = 'a-very-secret-password'

/** Bytes of one sentence. */
export function sentence(...words: readonly string[]): Buffer {
  return Buffer.concat([...words, null].map(encodeWord))
}

/** Answers logins; `answer` gets the rest. With `onConnect` the test speaks first, or hangs up. */
export async function startRawRouter(
  answer: Answer,
  { tls, logsIn = true, onConnect }: { tls?: TlsOptions; logsIn?: boolean; onConnect?: (socket: Socket) => void } = {},
): Promise<RawRouter> {
  const sockets = new Set<Socket>()
  const heard: (readonly string[])[] = []
  const onSocket = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    const parse = sentenceParser()
    socket.on('data', (segment) => {
      for (const words of sentencesIn(parse, segment)) {
        heard.push(words)
        const tag = words.find((word) => word.startsWith('.tag=')) ?? ''
        if (words[0] === '/login' && logsIn) socket.write(sentence('!done', tag))
        else answer(words, tag, socket)
      }
    })
    onConnect?.(socket)
  }
  const server: Server = tls === undefined ? createServer(onSocket) : createTlsServer(tls, onSocket)
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    access: (certificate = null) => ({
      host: '127.0.0.1',
      port,
      user: 'homeward',
      password: () => Promise.resolve(PASSWORD),
      certificate,
    }),
    heard,
    sockets,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A handshake of TLS is no sentence, and means nothing to a plain port. */
function sentencesIn(parse: ReturnType<typeof sentenceParser>, segment: Buffer): ReturnType<typeof parse> {
  try {
    return parse(segment)
  } catch {
    return []
  }
}
