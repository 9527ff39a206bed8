import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { discardSocket } from './discard-socket.ts'

/** Both ends of a packet that this machine would send there. Literals. */
export interface RouteEnds {
  readonly own: string
  readonly theirs: string
}

/**
 * Asks the routing table by connecting a UDP socket, which sends nothing.
 * @returns null without a route, or when the name does not resolve.
 */
export function routeEnds(host: string): Promise<RouteEnds | null> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
    const end = (ends: RouteEnds | null): void => {
      discardSocket(socket)
      resolve(ends)
    }
    socket.once('error', () => end(null))
    // Port 9 is discard (RFC 863); nothing is sent to it.
    socket.connect(9, host, (error?: Error) => {
      if (error !== undefined) return end(null)
      end({ own: socket.address().address, theirs: socket.remoteAddress().address })
    })
  })
}
