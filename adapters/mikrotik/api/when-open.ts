import type { Socket } from 'node:net'

/**
 * Waits until a socket that was just made is open.
 * @throws the socket's error, or the signal's reason; the socket is destroyed then.
 */
export function whenOpen<Of extends Socket>(
  socket: Of,
  opened: 'connect' | 'secureConnect',
  signal: AbortSignal,
): Promise<Of> {
  return new Promise((resolve, reject) => {
    const fail = (thrown: unknown): void => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      reject(thrown instanceof Error ? thrown : new Error('it took too long'))
    }
    const onAbort = (): void => fail(signal.reason)
    // This listener stays: an error after the first must not end the process.
    socket.on('error', fail)
    socket.once(opened, () => {
      signal.removeEventListener('abort', onAbort)
      resolve(socket)
    })
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
  })
}
