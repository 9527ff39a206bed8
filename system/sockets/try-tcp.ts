import { connect, type TcpNetConnectOpts } from 'node:net'

/** What came of opening a TCP connection. `failed`: with the system's code, such as ECONNREFUSED. */
export type Tried =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'failed'; readonly error: NodeJS.ErrnoException }

/** Opens a TCP connection and closes it again at once. Never throws. */
export function tryTcp(where: TcpNetConnectOpts, atMostMs: number): Promise<Tried> {
  return new Promise((resolve) => {
    const socket = connect(where)
    const end = (tried: Tried): void => {
      socket.destroy()
      resolve(tried)
    }
    socket.setTimeout(atMostMs, () => end({ kind: 'silent' }))
    socket.once('connect', () => end({ kind: 'accepted' }))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ETIMEDOUT' ? { kind: 'silent' } : { kind: 'failed', error }),
    )
  })
}
