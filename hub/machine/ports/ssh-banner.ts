import { connect } from 'node:net'
import type { Listener } from './listeners.ts'

export type Spoken = 'ssh' | 'other' | 'unreachable'

/** How much is read: a server may send other lines first (RFC 4253, 4.2), but not without end. */
const MOST_BYTES = 16 * 1024

/**
 * Whether an SSH server answers there: it speaks first, and one of its lines begins with `SSH-` (RFC 4253, 4.2). So
 * sshd, dropbear and a server that systemd starts by its socket are all recognised, without root.
 */
export async function askListener(
  listener: Pick<Listener, 'address' | 'port'>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Spoken> {
  for (const { host, from } of placesOf(listener.address)) {
    const spoken = await listenAt(host, from, listener.port, timeoutMs, signal)
    if (spoken !== 'unreachable') return spoken
  }
  return 'unreachable'
}

interface Place {
  readonly host: string
  readonly from?: string
}

function placesOf(address: string): readonly Place[] {
  if (address === '0.0.0.0') return [{ host: '127.0.0.1' }]
  if (address === '::') return [{ host: '::1' }, { host: '127.0.0.1' }]
  // From loopback, which is never forwarded to a home as this machine's other connections to its public addresses are.
  return [address.includes(':') ? { host: address } : { host: address, from: '127.0.0.1' }]
}

function listenAt(
  host: string,
  from: string | undefined,
  port: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Spoken> {
  return new Promise((resolve) => {
    let said = ''
    let isConnected = false
    const socket = connect({ host, port, ...(from === undefined ? {} : { localAddress: from }) })
    const end = (spoken: Spoken): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
      socket.destroy()
      resolve(spoken)
    }
    const giveUp = (): void => end('unreachable')
    const timer = setTimeout(() => end(isConnected ? 'other' : 'unreachable'), timeoutMs)
    signal.addEventListener('abort', giveUp)
    if (signal.aborted) return giveUp()
    socket.once('connect', () => {
      isConnected = true
    })
    socket.on('data', (part) => {
      said += part.toString('latin1')
      if (/^SSH-/m.test(said)) end('ssh')
      else if (said.length > MOST_BYTES) end('other')
    })
    socket.once('close', () => end(isConnected ? 'other' : 'unreachable'))
    // The close event follows.
    socket.on('error', () => undefined)
  })
}
