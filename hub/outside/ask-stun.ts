import { randomBytes } from 'node:crypto'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { canonicalAddress } from '../../net/address.ts'
import {
  bindingRequest,
  type MappedAddress,
  readBindingAnswer,
  TRANSACTION_ID_BYTES,
} from '../../protocol/datagrams/stun.ts'
import { discardSocket } from '../../system/sockets/discard-socket.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { StunServer } from './stun-servers.ts'

/** What became of one server's transaction. */
export interface StunAnswer {
  readonly server: StunServer
  /** At which address and port it saw the request; null: see `why`. */
  readonly mapped: MappedAddress | null
  /** Why there is no answer; empty where there is one. */
  readonly why: string
}

export interface StunRound {
  /** The port of this machine that all requests came from. */
  readonly localPort: number
  /** In the order of the servers. */
  readonly answers: readonly StunAnswer[]
}

/** When a request is sent again, and when its transaction has failed (RFC 8489, 6.2.1). */
export interface Retransmission {
  readonly rtoMs: number
  /** How often it is sent. */
  readonly rc: number
  /** How many times the RTO is waited after the last one. */
  readonly rm: number
}

/** The RFC's own values: sent at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s, failed at 39.5 s. */
export const RFC_8489: Retransmission = { rtoMs: 500, rc: 7, rm: 16 }

/** How long the other servers have once the first one has answered: three of them lost in a row is another fault. */
const OTHERS_MS = 4_000

/**
 * Asks all servers at once, from one socket: a NAT that gives each destination another port shows by that.
 * @param family of addresses, in which the servers are asked.
 */
export async function askStun(
  servers: readonly StunServer[],
  family: 4 | 6,
  retransmission: Retransmission = RFC_8489,
): Promise<StunRound> {
  const socket = createSocket(family === 4 ? { type: 'udp4' } : { type: 'udp6', ipv6Only: true })
  socket.bind(0)
  await once(socket, 'listening')
  const ending = new AbortController()
  let late: NodeJS.Timeout | undefined
  // A refusal of one destination by the kernel comes here too, and its transaction ends by its time.
  socket.on('error', () => undefined)
  try {
    const answers = await Promise.all(
      servers.map(async (server) => {
        const answer = await askOne(socket, server, family, retransmission, ending.signal)
        if (answer.mapped !== null) late ??= setTimeout(() => ending.abort(), OTHERS_MS)
        return answer
      }),
    )
    return { localPort: socket.address().port, answers }
  } finally {
    clearTimeout(late)
    discardSocket(socket)
  }
}

async function askOne(
  socket: Socket,
  server: StunServer,
  family: 4 | 6,
  { rtoMs, rc, rm }: Retransmission,
  round: AbortSignal,
): Promise<StunAnswer> {
  const none = (why: string): StunAnswer => ({ server, mapped: null, why })
  const found = await lookup(server.host, { family }).catch(() => null)
  if (found?.family !== family) return none(`its name has no IPv${family} address here`)
  const id = randomBytes(TRANSACTION_ID_BYTES)
  const request = bindingRequest(id)
  const ended = new AbortController()
  const over = AbortSignal.any([round, ended.signal])
  let answer = none('no answer')
  const hear = (bytes: Buffer, { address, port }: RemoteInfo): void => {
    if (canonicalAddress(address) !== canonicalAddress(found.address) || port !== server.port) return
    const read = readBindingAnswer(bytes, id)
    // Neither an answer to another request nor a damaged one ends this one.
    if (read === null || ended.signal.aborted) return
    answer = read.kind === 'mapped' ? { server, mapped: read.mapped, why: '' } : none(read.why)
    ended.abort()
  }
  socket.on('message', hear)
  try {
    for (let sent = 1; sent <= rc && !over.aborted; sent += 1) {
      socket.send(request, server.port, found.address, () => undefined)
      await sleep(sent < rc ? rtoMs * 2 ** (sent - 1) : rtoMs * rm, over)
    }
  } finally {
    socket.off('message', hear)
  }
  return answer
}
