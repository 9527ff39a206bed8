import { createSocket } from 'node:dgram'
import { decodeRequest, encodeAnswer } from '../../../protocol/datagrams/heartbeat.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'

/** A hub's heartbeat port on the loopback interface. */
export interface HeartbeatHub {
  readonly port: number
  readonly sequences: readonly number[]
  readonly answerWith: (mapping: Endpoint | null) => void
  readonly fallSilent: () => void
  readonly close: () => Promise<void>
}

export async function startHeartbeatHub(port = 0): Promise<HeartbeatHub> {
  const socket = createSocket('udp4')
  const sequences: number[] = []
  let mapping: Endpoint | null = { address: '198.51.100.11', port: 40_233 }
  let silent = false
  socket.on('message', (datagram, sender) => {
    const request = decodeRequest(datagram)
    if (request === null) return
    sequences.push(request.sequence)
    if (!silent)
      socket.send(
        encodeAnswer({ sequence: request.sequence, endpoint: mapping, inUse: false, asks: false }),
        sender.port,
        sender.address,
      )
  })
  await new Promise<void>((resolve) => {
    socket.bind(port, '127.0.0.1', resolve)
  })
  return {
    port: socket.address().port,
    sequences,
    answerWith: (seen) => {
      silent = false
      mapping = seen
    },
    fallSilent: () => {
      silent = true
    },
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}
