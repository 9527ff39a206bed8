import { randomInt } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { createConnection, isIPv6, type Socket as Connection } from 'node:net'
import { tryCommand } from '../../../../system/process/run-command.ts'
import { discardSocket } from '../../../../system/sockets/discard-socket.ts'
import { sleep } from '../../../../system/time/sleep.ts'
import type { HopEvidence } from '../../../packet-fate.ts'
import { startNft } from '../nft-child.ts'
import { passingTable, removePassing } from '../passing-tables.ts'
import { hopsOf } from './hops-of.ts'
import { hopsTable, reportsOf, type RouterReport, type Sweep } from './hops-table.ts'

/** As far as anything is on the internet; a way that is longer is looked at as far as this. */
const MOST_HOPS = 24
/** What a table takes on a busy machine. */
const READY_MS = 10_000
/**
 * Linux sends one address six reports at once, and one a second after them (icmp(7), icmp_ratelimit; net/ipv4/route.c,
 * XRLIM_BURST_FACTOR), and a carrier's NAT shares an address among many homes. So rounds begin a second apart, datagrams
 * first.
 */
const ROUND_MS = 1_000
const LEAST_ROUNDS = 3
/** Before all: each connection waits so long for an answer before the next one, with a greater TTL, is opened. */
const CONNECT_EVERY_MS = 60
/** Round trips to another continent take 0.3 s. */
const ANSWER_MS = 500
/** Ports that Linux gives to no socket by itself (ip(7), ip_local_port_range: up to 60,999). */
const [LEAST_PORT, MOST_PORT] = [61_000, 65_000] as const

interface Place {
  readonly address: string
  readonly port: number
}

/** Counts reports of routers from now on. Sockets and a table of the firewall belong to it until it is closed. */
export interface HopSearch {
  /**
   * How far datagrams get, and, to compare, connections. Takes some five seconds, and goes on until the other end has
   * told what came there: who sees only the last of it has seen enough. @returns null where it cannot be counted.
   */
  readonly look: (until: Promise<unknown>) => Promise<HopEvidence | null>
  readonly close: () => Promise<void>
}

/**
 * Makes ready to see how far datagrams to this place get, and connections to a TCP port of it: packets with a small TTL
 * expire at a router, which says so. @returns null where that cannot be had.
 * @param datagram what they carry: some on the way may look at that.
 */
export async function searchHops(
  { address, port }: Place,
  tcpPort: number,
  datagram: Uint8Array,
  signal: AbortSignal,
): Promise<HopSearch | null> {
  const table = passingTable('inet', 'hops')
  const nft = startNft(['-i'])
  const sockets: Socket[] = []
  const family = isIPv6(address) ? 6 : 4
  const first = randomInt(LEAST_PORT, MOST_PORT)
  const tcp: Sweep = {
    protocol: 'tcp',
    address,
    port: tcpPort,
    sourcePorts: Array.from({ length: MOST_HOPS }, (_, index) => first + index),
  }

  async function close(): Promise<void> {
    for (const socket of sockets) discardSocket(socket)
    await nft.end()
    await removePassing([table])
  }

  async function isReady(): Promise<boolean> {
    for (const until = performance.now() + READY_MS; performance.now() < until; await sleep(30, signal))
      if ((await reportsIn(table, signal)) !== null) return true
    return false
  }

  async function look(until: Promise<unknown>): Promise<HopEvidence | null> {
    const over = new AbortController()
    const end = (): void => over.abort()
    void until.then(end, end)
    const answered: number[] = []
    await connectUntilAnswered(tcp, answered, signal)
    const enough = Math.min(MOST_HOPS, ...answered)
    for (let round = 0; round < LEAST_ROUNDS || !over.signal.aborted; round += 1) {
      for (const socket of sockets) socket.send(datagram, port, address, () => undefined)
      const connections = tcp.sourcePorts.slice(0, enough).map((_, index) => connect(tcp, index + 1, answered))
      await sleep(ROUND_MS, signal).finally(() => closeAll(connections))
    }
    const reports = await reportsIn(table, signal)
    return reports === null ? null : hopsOf(reports, address, answered.length === 0 ? null : Math.min(...answered))
  }

  try {
    sockets.push(...(await Promise.all(tcp.sourcePorts.map((_, index) => openWithTtl(family, index + 1)))))
    const sourcePorts = sockets.map((socket) => socket.address().port)
    nft.write(hopsTable(table, family, [{ protocol: 'udp', address, port, sourcePorts }, tcp]))
    if (await isReady()) return { look: async (until) => await look(until).catch(nothingUnlessEnded), close }
  } catch (thrown) {
    await close()
    return nothingUnlessEnded(thrown)
  }
  await close()
  return null

  function nothingUnlessEnded(thrown: unknown): null {
    if (signal.aborted) throw thrown
    return null
  }
}

async function reportsIn(table: string, signal: AbortSignal): Promise<readonly RouterReport[] | null> {
  const { exitCode, stdout } = await tryCommand('nft', ['-j', 'list', 'table', ...table.split(' ')], { signal })
  return exitCode === 0 ? reportsOf(stdout) : null
}

function openWithTtl(family: 4 | 6, ttl: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(family === 4 ? 'udp4' : 'udp6')
    socket.once('error', reject)
    socket.bind(0, () => {
      socket.removeListener('error', reject)
      // A router that refuses is no error here.
      socket.on('error', () => undefined)
      socket.setTTL(ttl)
      resolve(socket)
    })
  })
}

/** Opens connections with greater and greater TTLs until one is answered, so that few of them come to the hub. */
async function connectUntilAnswered(sweep: Sweep, answered: number[], signal: AbortSignal): Promise<void> {
  const connections: Connection[] = []
  try {
    for (let ttl = 1; ttl <= MOST_HOPS && answered.length === 0; ttl += 1) {
      connections.push(connect(sweep, ttl, answered))
      await sleep(CONNECT_EVERY_MS, signal)
    }
    if (answered.length === 0) await sleep(ANSWER_MS, signal)
  } finally {
    closeAll(connections)
  }
}

/** Opens a connection, of which the table sets the TTL. An answer adds the TTL to those that were answered. */
function connect({ address, port, sourcePorts }: Sweep, ttl: number, answered: number[]): Connection {
  const connection = createConnection({ host: address, port, localPort: sourcePorts[ttl - 1] })
  connection.on('error', () => undefined)
  connection.once('connect', () => {
    answered.push(ttl)
    connection.resetAndDestroy()
  })
  return connection
}

function closeAll(connections: readonly Connection[]): void {
  for (const connection of connections) connection.destroy()
}
