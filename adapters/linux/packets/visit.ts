import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { discardSocket } from '../../../system/sockets/discard-socket.ts'
import { tryTcp } from '../../../system/sockets/try-tcp.ts'
import { sleep } from '../../../system/time/sleep.ts'
import type { PacketFate } from '../../packet-fate.ts'
import { openStandIn, type StandIn, VISITOR } from './stand-in.ts'
import { type Asked, watchPackets } from './watch.ts'

/** A port of this machine that somebody from the internet opens. */
export interface Visit {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** Where the packets should come to: a program of this machine, or the tunnel. */
  readonly wanted: 'local' | 'tunnel'
}

/** How long a packet may be on its way through this machine. */
const PASSED_MS = 500

/**
 * Opens ports of this machine as a stranger from the internet does, all at once.
 * @returns what became of each one's packets by the kernel's account; null where this machine cannot do that. Never
 * throws, unless the signal ends it.
 */
export async function visitPorts(
  visits: readonly Visit[],
  tunnel: string,
  signal: AbortSignal,
): Promise<readonly PacketFate[] | null> {
  const standIn = await openStandIn(signal)
  if (standIn === null) return null
  const callers: Caller[] = []
  try {
    for (const { protocol } of visits) callers.push(await CALLERS[protocol](standIn))
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
    const callAll = async (): Promise<number> => {
      await Promise.all(callers.map((caller, index) => caller.call(visits[index]?.port ?? 0)))
      return 1
    }
    return await watchPackets(kinds, tunnel, callAll, signal)
  } finally {
    for (const caller of callers) caller.close()
    await standIn.close()
  }
}

interface Caller {
  /** Its own port, by which its packets are known. */
  readonly port: number
  readonly call: (port: number) => Promise<void>
  readonly close: () => void
}

const CALLERS = { tcp: openTcp, udp: openUdp } as const

/** A connection can name its own port only before it begins: one that is free is found by listening. */
function openTcp({ address, from }: StandIn): Promise<Caller> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, from, () => {
      const place = server.address()
      const localPort = typeof place === 'object' && place !== null ? place.port : 0
      const call = async (port: number): Promise<void> =>
        void (await tryTcp({ host: address, port, localAddress: from, localPort }, PASSED_MS))
      server.close(() => resolve({ port: localPort, call, close: () => undefined }))
    })
  })
}

function openUdp({ address, from }: StandIn): Promise<Caller> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', reject)
    socket.bind(0, from, () => {
      socket.removeListener('error', reject)
      // An ICMP error is an answer, which nobody waits for here.
      socket.on('error', () => undefined)
      const call = async (port: number): Promise<void> => {
        socket.send('homeward asks whether packets pass\n', port, address)
        await sleep(PASSED_MS)
      }
      resolve({ port: socket.address().port, call, close: () => discardSocket(socket) })
    })
  })
}
