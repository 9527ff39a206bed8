import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { discardSocket } from '../../system/sockets/discard-socket.ts'
import type { Log } from '../../system/process/log.ts'

/** A UDP port on all addresses of this machine, of both families, opened again whatever happens to its sockets. */
export interface UdpListener {
  readonly close: () => void
}

/** Answers the sender of the datagram. An answer that cannot be sent is lost, as on any network. */
export type Reply = (datagram: Uint8Array) => void

const BIND_AGAIN_MS = 1000

/** @param what for the log, e.g. `echoes`. */
export function openUdpListener(
  port: number,
  what: string,
  log: Log,
  onDatagram: (datagram: Uint8Array, sender: RemoteInfo, reply: Reply) => void,
): UdpListener {
  const sides = (['udp4', 'udp6'] as const).map((type) => openSide(type, port, what, log, onDatagram))
  return {
    close: () => {
      for (const side of sides) side.close()
    },
  }
}

function openSide(
  type: 'udp4' | 'udp6',
  port: number,
  what: string,
  log: Log,
  onDatagram: (datagram: Uint8Array, sender: RemoteInfo, reply: Reply) => void,
): UdpListener {
  let socket: Socket | null = null
  let again: NodeJS.Timeout | undefined
  let complained = false

  function open(): void {
    const mine = createSocket({ type, ipv6Only: type === 'udp6' })
    socket = mine
    mine.on('message', (datagram, sender) => {
      onDatagram(datagram, sender, (answer) => {
        // The answer may come later than the datagram: the socket may have been closed, or opened again.
        if (socket === mine) mine.send(answer, sender.port, sender.address, () => undefined)
      })
    })
    mine.on('listening', () => {
      complained = false
      log.info({ port, family: type }, `answering ${what}`)
    })
    mine.on('error', (error: NodeJS.ErrnoException) => {
      shut()
      // The machine has no such address family.
      if (error.code === 'EAFNOSUPPORT') return
      if (!complained) log.warn({ port, family: type, why: error.message }, `cannot answer ${what} yet`)
      complained = true
      again = setTimeout(open, BIND_AGAIN_MS)
    })
    mine.bind({ port, exclusive: true })
  }

  function shut(): void {
    clearTimeout(again)
    const old = socket
    socket = null
    if (old !== null) discardSocket(old)
  }

  open()
  return { close: shut }
}
