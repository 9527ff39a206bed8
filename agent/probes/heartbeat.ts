import { createSocket, type Socket } from 'node:dgram'
import { discardSocket } from '../../system/sockets/discard-socket.ts'
import { decodeAnswer, encodeRequest, type HeartbeatAnswer } from '../../protocol/datagrams/heartbeat.ts'

/** The addresses that heartbeats go from and to. */
export interface HeartbeatTarget {
  /** Our address inside the tunnel, and no other. null: the tunnel ends on the router, which puts its own there. */
  readonly from: string | null
  readonly hubAddress: string
  readonly port: number
}

export interface HeartbeatSocket {
  /** Never throws: a heartbeat that could not be sent gets no answer. */
  readonly send: (sequence: number) => void
  readonly close: () => void
}

/**
 * What came back. `refused`: something says that nobody listens at the hub (ICMP port unreachable, which a connected
 * socket is told: udp(7)). The kernel takes such a message from any address and interface, so it proves nothing: the
 * hub's machine may say it through a tunnel that carries, or a LAN host of one that is dead.
 */
export type Heard = HeartbeatAnswer | 'refused'

/** How many unanswered heartbeats retire a socket: two may be lost. */
const UNANSWERED = 3
/** How long answers to a retired socket are waited for: longer than on any line that carries a tunnel. */
const LATEST_ANSWER_MS = 5_000

/**
 * Opens the socket for heartbeats. It is bound to the tunnel's address, so that no heartbeat ever leaves by another
 * path (a router holds back what is for the tunnel's network while its interface is away), and connected, so that only
 * the hub's answers come in. Where the interface is missing, each try opens the socket again.
 *
 * Through a router, an unanswered socket is replaced by one on another port: what left while there was no tunnel on the
 * router went out by its WAN, and the router's connection table would route every later datagram of the same flow after
 * it.
 */
export function openHeartbeats(target: HeartbeatTarget, onHeard: (heard: Heard) => void): HeartbeatSocket {
  let open: Socket | null = null
  let ready = false
  /** The sequence to send as soon as the socket is open. */
  let waiting: number | null = null
  let closed = false
  /** Heartbeats sent by the present socket since one was answered. */
  let unanswered = 0
  const retired = new Set<Socket>()

  function begin(): void {
    const socket = createSocket('udp4')
    open = socket
    ready = false
    socket.on('message', (datagram) => {
      const answer = decodeAnswer(datagram)
      if (answer === null) return
      unanswered = 0
      onHeard(answer)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // What ICMP said of an earlier heartbeat, true or forged, leaves the socket as good as before.
      if (error.code === 'ECONNREFUSED') onHeard('refused')
      if (open !== socket || !ready) drop(socket)
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
    unanswered += 1
    socket.send(encodeRequest(sequence), (error: NodeJS.ErrnoException | null) => {
      // The refusal is of the heartbeat before; this one was not sent.
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

  /** Replaces a socket; answers still under way to it are heard. */
  function retire(socket: Socket): void {
    open = null
    ready = false
    retired.add(socket)
    setTimeout(() => {
      if (retired.delete(socket)) discardSocket(socket)
    }, LATEST_ANSWER_MS).unref()
  }

  return {
    send: (sequence) => {
      if (closed) return
      if (target.from === null && open !== null && ready && unanswered >= UNANSWERED) {
        unanswered = 0
        retire(open)
      }
      if (open === null) begin()
      if (open !== null && ready) transmit(open, sequence)
      else waiting = sequence
    },
    close: () => {
      closed = true
      if (open !== null) drop(open)
      for (const socket of retired) discardSocket(socket)
      retired.clear()
    },
  }
}
