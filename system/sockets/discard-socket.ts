import type { Socket } from 'node:dgram'

/**
 * Closes a UDP socket that nobody wants any more, in whatever state it is: an error that still came from it would end
 * the process without a listener. Removes our listeners only: a socket that is still being bound has queued its
 * connect, and with it this close, behind listeners of Node's own for 'listening' and of events.errorMonitor
 * (lib/dgram.js, enqueue).
 */
export function discardSocket(socket: Socket): void {
  for (const event of ['message', 'connect', 'error']) socket.removeAllListeners(event)
  // When binding fails, Node drops what the socket had queued, our close too.
  socket.on('error', () => closeOnce(socket))
  closeOnce(socket)
}

function closeOnce(socket: Socket): void {
  try {
    socket.close()
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ERR_SOCKET_DGRAM_NOT_RUNNING') throw thrown
  }
}
