import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import {
  type EchoKey,
  type EchoRequest,
  encodeEchoAnswer,
  type PeerView,
  readEchoRequest,
} from '../../../protocol/datagrams/echo.ts'

/** Answers echoes on loopback, the delayed ones at once, and loses what it is told to lose. */
export interface EchoHub {
  readonly port: number
  /** What came, and from which port. */
  readonly requests: readonly (EchoRequest & { readonly from: number })[]
  readonly close: () => Promise<void>
}

export const SAID: PeerView = { peerKnown: true, handshakeSeconds: 12, heardSeconds: 0.5, initiatedSeconds: null }

/** @param isAnswered with the number of requests that came before. */
export async function startEchoHub(
  key: EchoKey,
  isAnswered: (request: EchoRequest, before: number) => boolean = () => true,
  { address = '127.0.0.1', port = 0 } = {},
): Promise<EchoHub> {
  const requests: (EchoRequest & { from: number })[] = []
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (datagram, sender) => {
    const request = readEchoRequest(datagram, () => key)
    if (request === null) return
    requests.push({ ...request, from: sender.port })
    if (isAnswered(request, requests.length - 1))
      socket.send(encodeEchoAnswer(request, SAID, key), sender.port, sender.address)
  })
  socket.bind(port, address)
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    requests,
    close: async () => {
      socket.close()
      await once(socket, 'close')
    },
  }
}
