import { createSocket, type Socket } from 'node:dgram'
import { discardSocket } from '../system/discard-socket.ts'
import { decodeAnswer, encodeRequest, type HeartbeatAnswer } from '../protocol/heartbeat.ts'

/** Where heartbeats go. */
export interface HeartbeatTarget {
  /** Our address inside the tunnel: from it, or not at all. null: the tunnel ends on the router, which puts its own there. */
  readonly from: string | null
  readonly hubAddress: string
  readonly port: number
}

export interface HeartbeatSocket {
  /** Never throws: what could not be sent is a heartbeat that gets no answer. */
  readonly send: (sequence: number) => void
  readonly close: () => void
}

/**
 * What came back. `refused`: the hub's machine said through the tunnel that nobody listens (ICMP port unreachable, which a
 * connected socket is told: udp(7)): the tunnel carries both ways, and the hub's daemon is dead.
 */
export type Heard = HeartbeatAnswer | 'refused'

/**
 * The socket heartbeats use. It is bound to the tunnel's address, so that none ever leaves by another way (a router holds
 * back what is for the tunnel's network while its interface is away), and connected, so that only the hub's answers come
 * in. Where the interface is missing, each try opens it anew.
 */
export function openHeartbeats(target: HeartbeatTarget, onHeard: (heard: Heard) => void): HeartbeatSocket {
  let open: Socket | null = null
  let ready = false
  /** Asked for while the socket was still being opened. */
  let waiting: number | null = null
  let closed = false

  function begin(): void {
    const socket = createSocket('udp4')
    open = socket
    ready = false
    socket.on('message', (datagram) => {
      const answer = decodeAnswer(datagram)
      if (answer !== null) onHeard(answer)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // The socket is as good as before.
      if (error.code === 'ECONNREFUSED') onHeard('refused')
      else drop(socket)
    })
    socket.bind({ address: target.from ?? '0.0.0.0', port: 0 }, () => {
      if (open !== socket) return
      socket.connect(target.port, target.hubAddress, (error?: Error) => {
        if (error !== undefined) return drop(socket)
        if (open !== socket) return
        ready = true
        if (waiting !== null) transmit(socket, waiting)
        waiting = null
      })
    })
  }

  function transmit(socket: Socket, sequence: number): void {
    socket.send(encodeRequest(sequence), (error: NodeJS.ErrnoException | null) => {
      // What a refusal says of the one before; this one was not sent.
      if (error?.code === 'ECONNREFUSED') onHeard('refused')
      else if (error !== null) drop(socket)
    })
  }

  function drop(socket: Socket): void {
    if (open !== socket) return
    open = null
    ready = false
    waiting = null
    discardSocket(socket)
  }

  return {
    send: (sequence) => {
      if (closed) return
      if (open === null) begin()
      if (open !== null && ready) transmit(open, sequence)
      else waiting = sequence
    },
    close: () => {
      closed = true
      if (open !== null) drop(open)
    },
  }
}
