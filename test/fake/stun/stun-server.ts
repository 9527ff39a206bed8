import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { answersTo, type Manner } from './stun-answers.ts'

export interface StunServerFake {
  readonly port: number
  /** When each request came, monotonic milliseconds. */
  readonly requests: readonly number[]
  close(): void
}

/** A STUN server on an address of this machine. */
export async function startStunServer(address: string, port: number, manner: Manner): Promise<StunServerFake> {
  const requests: number[] = []
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  const another = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  const by = manner.kind === 'from-another-port' ? another : socket
  socket.on('message', (request, from) => {
    requests.push(performance.now())
    for (const answer of answersTo(request, from, manner, requests.length)) by.send(answer, from.port, from.address)
  })
  socket.bind(port, address)
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    requests,
    close: () => {
      socket.close()
      another.close()
    },
  }
}
