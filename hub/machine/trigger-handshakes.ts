import { createSocket } from 'node:dgram'
import { HEARTBEAT_PORT } from '../../protocol/datagrams/heartbeat.ts'
import { discardSocket } from '../../system/sockets/discard-socket.ts'

/** Not a heartbeat: whoever gets it drops it. */
const DATAGRAM = new Uint8Array(4)

/**
 * Sends a datagram into the tunnel to each of these homes, which nobody there needs to answer: WireGuard then shakes
 * hands with those that have no session. Best effort. Uses one socket of its own, since a thousand homes may be called
 * at once, and that of the heartbeats is bound to an address which a moment ago may not have been there.
 */
export function triggerHandshakes(tunnelAddresses: readonly string[]): void {
  if (tunnelAddresses.length === 0) return
  const socket = createSocket('udp4')
  let left = tunnelAddresses.length
  socket.on('error', () => discardSocket(socket))
  for (const address of tunnelAddresses)
    socket.send(DATAGRAM, HEARTBEAT_PORT, address, () => {
      left -= 1
      if (left === 0) discardSocket(socket)
    })
}
