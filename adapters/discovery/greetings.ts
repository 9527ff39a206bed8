import { connect } from 'node:net'
import type { Evidence } from './evidence.ts'
import { API_PORTS, LONGEST_BANNER, sshBanner } from './greeting.ts'

const SSH_PORT = 22
const HTTP_PORT = 80
/** A router in the LAN answers within milliseconds; a firewall that drops never does. */
const ANSWER_MS = 1_500
/** Of a first page; LuCI's and RouterOS's have less than a quarter of it. */
const LONGEST_PAGE = 16_384

/** Knocks at the doors by which a router is known: SSH, HTTP and the RouterOS API. Sends no login. Never throws. */
export async function greetingsOf(address: string, signal: AbortSignal): Promise<readonly Evidence[]> {
  const [banner, page, ...ports] = await Promise.all([
    say({ address, port: SSH_PORT, request: null, most: LONGEST_BANNER }, signal),
    say({ address, port: HTTP_PORT, request: firstPage(address), most: LONGEST_PAGE }, signal),
    ...Object.values(API_PORTS).map(async (port): Promise<readonly Evidence[]> => {
      const said = await say({ address, port, request: null, most: 0 }, signal)
      return said === null ? [] : [{ by: 'port', address, port }]
    }),
  ])
  const identification = banner === null ? null : sshBanner(banner)
  return [
    ...(identification === null ? [] : [{ by: 'ssh', address, banner: identification } as const]),
    ...(page === null || page === '' ? [] : [{ by: 'page', address, page } as const]),
    ...ports.flat(),
  ]
}

function firstPage(address: string): string {
  return `GET / HTTP/1.0\r\nHost: ${address}\r\nConnection: close\r\n\r\n`
}

interface Door {
  readonly address: string
  readonly port: number
  readonly request: string | null
  /** Characters that are waited for; 0: that it opens is enough. */
  readonly most: number
}

/** What is said at a door, up to the end of a line where nothing was asked; null: it does not open. */
function say({ address, port, request, most }: Door, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(null)
    const socket = connect({ host: address, port })
    let said: string | null = null
    const end = (): void => {
      signal.removeEventListener('abort', end)
      clearTimeout(late)
      socket.destroy()
      resolve(said)
    }
    const late = setTimeout(end, ANSWER_MS)
    signal.addEventListener('abort', end, { once: true })
    socket.setEncoding('latin1')
    socket.once('connect', () => {
      said = ''
      if (most === 0) return end()
      if (request !== null) socket.write(request)
    })
    socket.on('data', (chunk: string) => {
      said = `${said ?? ''}${chunk}`.slice(0, most)
      if (said.length >= most || (request === null && said.includes('\n'))) end()
    })
    socket.once('error', end)
    socket.once('close', end)
  })
}
