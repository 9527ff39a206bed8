import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { discardSocket } from '../../../system/sockets/discard-socket.ts'
import type { PacketFate } from '../../packet-fate.ts'
import { openStandIn, type StandIn, VISITOR } from './stand-in.ts'
import { type Asked, watchPackets } from './watch.ts'

/** A port of this machine that somebody from the internet opens. */
export interface Visit {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** Where the packets should come to: a program of this machine, or the tunnel. */
  readonly wanted: 'local' | 'tunnel'
  /** How long an answer is waited for: not at all, where only the way of the packets matters. */
  readonly patience: 'for-answers' | 'for-the-packet'
}

export interface Visited {
  readonly fate: PacketFate
  readonly reply: VisitReply
}

/** What the visitor heard. `untold`: nothing, which over UDP says nothing. */
type VisitReply =
  | { readonly kind: 'answered' | 'silent' | 'refused' | 'untold' }
  /** `code` is the error's. */
  | { readonly kind: 'failed'; readonly code: string }

/** How long a service may take to answer. */
const ANSWER_MS = 4_000
const DATAGRAM_MS = 1_500
/** How long a packet may be on its way through this machine. */
const PASSED_MS = 300

/**
 * Opens ports of this machine as a stranger from the internet does, all at once: what becomes of the packets by the
 * kernel's account, and what comes back. @returns null where this machine cannot do that. Never throws, unless the
 * signal ends it.
 */
export async function visitPorts(
  visits: readonly Visit[],
  tunnel: string,
  signal: AbortSignal,
): Promise<readonly Visited[] | null> {
  const standIn = await openStandIn(signal)
  if (standIn === null) return null
  const callers: Caller[] = []
  try {
    for (const { protocol } of visits) callers.push(await openCaller(protocol, standIn))
    const kinds = visits.map(({ protocol, port, wanted }, index): Asked => {
      const sourcePort = callers[index]?.port ?? 0
      return {
        name: `visit${index}`,
        protocol,
        port,
        wanted,
        sourcePort,
        match: `ip saddr ${VISITOR} ${protocol} sport ${sourcePort}`,
        atPort: `${protocol} dport ${port}`,
      }
    })
    let replies: readonly VisitReply[] = []
    const fates = await watchPackets(
      kinds,
      tunnel,
      async () => {
        replies = await Promise.all(
          visits.map(async (visit, index) => (await callers[index]?.call(visit)) ?? { kind: 'untold' }),
        )
        return 1
      },
      signal,
    )
    return fates.map((fate, index) => ({ fate, reply: replies[index] ?? { kind: 'untold' } }))
  } finally {
    for (const caller of callers) caller.close()
    await standIn.close()
  }
}

interface Caller {
  /** Its own port, by which its packets are known. */
  readonly port: number
  readonly call: (visit: Visit) => Promise<VisitReply>
  readonly close: () => void
}

async function openCaller(protocol: Visit['protocol'], standIn: StandIn): Promise<Caller> {
  if (protocol === 'udp') return openUdp(standIn)
  const port = await freePort(standIn.from)
  return { port, call: (to) => dial(standIn, port, to), close: () => undefined }
}

/** A port that is free: a connection can name its own only before it begins. */
function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, host, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

function dial({ address, from }: StandIn, localPort: number, { port, patience }: Visit): Promise<VisitReply> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, localAddress: from, localPort })
    const end = (reply: VisitReply): void => {
      socket.destroy()
      resolve(reply)
    }
    socket.setTimeout(patience === 'for-answers' ? ANSWER_MS : PASSED_MS, () => end({ kind: 'silent' }))
    socket.once('connect', () => end({ kind: 'answered' }))
    socket.on('error', ({ code = 'unknown' }: NodeJS.ErrnoException) =>
      end(code === 'ETIMEDOUT' ? { kind: 'silent' } : { kind: 'failed', code }),
    )
  })
}

function openUdp({ address, from, answers }: StandIn): Promise<Caller> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', reject)
    socket.bind(0, from, () => {
      socket.removeListener('error', reject)
      const call = async ({ port, patience }: Visit): Promise<VisitReply> => {
        if (await hears(socket, address, port, patience === 'for-answers' ? DATAGRAM_MS : PASSED_MS))
          return { kind: 'answered' }
        // An error of ICMP speaks of the stranger's packet, which the socket does not know.
        return (await answers()).refused > 0 ? { kind: 'refused' } : { kind: 'untold' }
      }
      resolve({ port: socket.address().port, call, close: () => discardSocket(socket) })
    })
  })
}

/** Sends some data, twice: whoever answers to anything answers to that. */
function hears(socket: UdpSocket, address: string, port: number, atMostMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const again = setTimeout(send, atMostMs / 3)
    const late = setTimeout(() => end(false), atMostMs)
    function end(heard: boolean): void {
      clearTimeout(again)
      clearTimeout(late)
      resolve(heard)
    }
    function send(): void {
      socket.send('homeward asks whether anybody is there\n', port, address)
    }
    socket.on('error', () => end(false))
    socket.once('message', () => end(true))
    send()
  })
}
