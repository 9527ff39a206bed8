import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

/** Stands where WireGuard does at either end: a UDP socket on loopback. */
export interface WireguardEnd {
  readonly port: number
  readonly seen: readonly string[]
  /** Port of whoever sent last. */
  readonly lastFrom: number | null
  readonly send: (text: string, port: number) => void
  readonly close: () => Promise<void>
}

/** @param answer what it says to each datagram; null: nothing. */
export async function wireguardEnd(answer: (text: string) => string | null = () => null): Promise<WireguardEnd> {
  const socket: Socket = createSocket('udp4')
  const seen: string[] = []
  let lastFrom: number | null = null
  socket.on('message', (datagram, sender) => {
    seen.push(String(datagram))
    lastFrom = sender.port
    const said = answer(String(datagram))
    if (said !== null) socket.send(said, sender.port, sender.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    seen,
    get lastFrom() {
      return lastFrom
    },
    send: (text, port) => socket.send(text, port, '127.0.0.1'),
    close: async () => {
      socket.close()
      await once(socket, 'close')
    },
  }
}
