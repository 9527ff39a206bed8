import type { Socket } from 'node:dgram'

/** Closes a UDP socket of which nobody wants to hear any more: what still came from it, unheard, would end the process. */
export function discardSocket(socket: Socket): void {
  socket.removeAllListeners()
  socket.on('error', () => undefined)
  socket.close()
}
