import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { discardSocket } from '../../../system/sockets/discard-socket.ts'
import { tryCommand } from '../../../system/process/run-command.ts'
import { sleep } from '../../../system/time/sleep.ts'
import type { PacketFate } from '../../packet-fate.ts'
import { fateOf, type Sightings } from './fate.ts'
import { legacyHits } from './legacy-counters.ts'
import { startNft } from './nft-child.ts'
import { newId, passingTable, removePassing } from './passing-tables.ts'
import { eventsOf } from './traced-kinds.ts'
import { parseTrace } from './trace.ts'
import { isWatching, sightingsOf, watchCommands, type WatchedKind } from './watch-commands.ts'

/** Packets that the machine is asked about. */
export interface Asked extends WatchedKind {
  readonly protocol: 'tcp' | 'udp'
  /** The port at which they arrive. */
  readonly port: number
  /** Where they should come to: a program of this machine, or the tunnel. */
  readonly wanted: 'local' | 'tunnel'
  /** The port that they come from, where that tells this kind from others of one watch. */
  readonly sourcePort?: number
}

/** The kernel's account of each kind, in the order in which they were asked for. */
export type Fates = readonly PacketFate[]

/** What was counted so far, in the order of the kinds. */
export type Peek = () => Promise<readonly Sightings[]>

/** Before every table, and in between. */
type Tables = readonly [string, string]

const NOTHING_KNOWN: PacketFate = { arrived: null, end: 'unknown', rule: null, to: null }

/** How long the tables may take on a busy machine, and the trace until it tells of a packet. */
const READY_MS = 10_000
const TRACING_MS = 10_000

/**
 * Watches packets while somebody sends them, and tells what became of each kind. What cannot be watched is `unknown`.
 * Only one watch at a time finds room; others learn nothing. Never throws.
 * @param send sends packets, and answers how many of each kind: a rule of the older iptables counted as many.
 */
export async function watchPackets(
  kinds: readonly Asked[],
  tunnel: string,
  send: (peek: Peek) => Promise<number>,
  signal: AbortSignal,
): Promise<Fates> {
  // The last one's chain comes before the first one's, which is not traced there yet.
  const [first, last] = [newMarker('begins', -2147483647), newMarker('ends', -2147483648)]
  const id = newId()
  const tables: Tables = [passingTable('netdev', 'watch', id), passingTable('inet', 'watch', id)]
  const devices = await outerDevices(tunnel, signal).catch(() => [])
  const nft = startNft(['-i'])
  const monitor = startNft(['monitor', 'trace'])
  try {
    nft.write([
      ...watchCommands(kinds, devices, tunnel, tables),
      ...[first, last].flatMap((marker) => markerCommands(marker, tables)),
    ])
    const watching = await becomesTrue(async () => isWatching(await counters(tables, signal)), READY_MS, signal)
    if (!watching) {
      await send(async () => []).catch(() => 0)
      return kinds.map(() => NOTHING_KNOWN)
    }
    const traces = await becomesTrue(async () => hasTraced(first, monitor.said), TRACING_MS, signal)
    const hasOuter = devices.length > 0 && (await watchedDevices(tables, signal)) >= devices.length
    const before = await legacySave(signal)
    const peek: Peek = async () => {
      const so = await counters(tables, signal)
      return kinds.map((kind) => sightingsOf(kind, so, hasOuter))
    }
    const sent = await send(peek)
    // The kernel tells of packets in their order: when it tells of this one, it has told of all.
    if (traces) await becomesTrue(async () => hasTraced(last, monitor.said), TRACING_MS, signal)
    const [after, counted] = [await legacySave(signal), await counters(tables, signal)]
    // Somebody who removed the tables meanwhile has made the counts worthless.
    if (!isWatching(counted)) return kinds.map(() => NOTHING_KNOWN)
    const events = traces ? parseTrace(monitor.said()) : []
    return kinds.map((kind) =>
      fateOf(
        sightingsOf(kind, counted, hasOuter),
        eventsOf(kind, kinds, events),
        before === null || after === null || sent === 0 || kind.isOutgoing === true
          ? []
          : legacyHits(before, after, { protocol: kind.protocol, port: kind.port, sent }),
        kind.wanted,
      ),
    )
  } catch (thrown) {
    if (signal.aborted) throw thrown
    return kinds.map(() => NOTHING_KNOWN)
  } finally {
    await Promise.all([monitor.end(), nft.end()])
    await removePassing(tables)
  }
}

/** A packet of this machine to itself that is traced, so that it is known how far the trace has come. */
interface Marker {
  /** Its chain, by which the trace names it: a monitor does not know rules that were made since it began (nft 1.0.6). */
  readonly chain: string
  readonly priority: number
  /** Eight bytes, in hexadecimal digits. */
  readonly nonce: string
}

function newMarker(chain: string, priority: number): Marker {
  return { chain, priority, nonce: randomBytes(8).toString('hex') }
}

function markerCommands({ chain, priority, nonce }: Marker, [, inner]: Tables): readonly string[] {
  return [
    `add chain ${inner} ${chain} { type filter hook output priority ${priority}; policy accept; }`,
    `add rule ${inner} ${chain} oifname "lo" meta l4proto udp @th,64,64 0x${nonce} meta nftrace set 1`,
  ]
}

/** Sends the marker, and says whether the trace has told of one. */
async function hasTraced({ chain, nonce }: Marker, said: () => string): Promise<boolean> {
  const socket = createSocket('udp4')
  socket.on('error', () => undefined)
  // The discard port (RFC 863), where nobody listens.
  socket.send(Buffer.from(nonce, 'hex'), 9, '127.0.0.1', () => discardSocket(socket))
  await sleep(40)
  return said().includes(` ${chain} packet: `)
}

async function becomesTrue(is: () => Promise<boolean>, atMostMs: number, signal: AbortSignal): Promise<boolean> {
  const until = performance.now() + atMostMs
  for (;;) {
    if (await is()) return true
    if (performance.now() > until) return false
    await sleep(30, signal)
  }
}

const Links = v.array(v.object({ ifname: v.string(), flags: v.array(v.string()) }))
/** Above what a machine's network cards and bridges are; a hundred containers' ends are nobody's way in. */
const MOST_DEVICES = 24

/** Interfaces by which packets may come from outside: all that are up, except loopback, the tunnel and containers' ends. */
async function outerDevices(tunnel: string, signal: AbortSignal): Promise<readonly string[]> {
  const { stdout } = await tryCommand('ip', ['-j', 'link', 'show', 'up'], { signal })
  return v
    .parse(Links, JSON.parse(stdout))
    .filter(({ ifname, flags }) => !flags.includes('LOOPBACK') && ifname !== tunnel && !/^(veth|hwprobe)/.test(ifname))
    .map(({ ifname }) => ifname)
    .slice(0, MOST_DEVICES)
}

const Listing = v.object({ nftables: v.array(v.record(v.string(), v.unknown())) })
const Counter = v.object({ family: v.string(), name: v.string(), packets: v.number() })

async function counters(tables: Tables, signal: AbortSignal): Promise<readonly v.InferOutput<typeof Counter>[]> {
  const listed = await Promise.all(
    tables.map(async (table) => listingOf(['counters', 'table', ...table.split(' ')], signal)),
  )
  return listed.flat().flatMap((one) => (v.is(Counter, one['counter']) ? [one['counter']] : []))
}

/** How many devices have a chain of ours with rules in it. */
async function watchedDevices([outer]: Tables, signal: AbortSignal): Promise<number> {
  const listed = await listingOf(['table', ...outer.split(' ')], signal)
  return new Set(
    listed.flatMap((one) => (v.is(v.object({ chain: v.string() }), one['rule']) ? [one['rule'].chain] : [])),
  ).size
}

async function listingOf(what: readonly string[], signal: AbortSignal): Promise<readonly Record<string, unknown>[]> {
  const { exitCode, stdout } = await tryCommand('nft', ['-j', 'list', ...what], { signal })
  return exitCode === 0 ? v.parse(Listing, JSON.parse(stdout)).nftables : []
}

/** The tables of the older iptables with their counters; null where there are none, since asking would make them. */
async function legacySave(signal: AbortSignal): Promise<string | null> {
  const names = await readFile('/proc/net/ip_tables_names', 'utf8').catch((thrown: unknown) =>
    (thrown as NodeJS.ErrnoException).code === 'EACCES' ? 'unknown' : '',
  )
  if (names.trim() === '') return null
  const saved = await tryCommand('iptables-legacy-save', ['-c'], { signal }).catch(() => null)
  return saved?.exitCode === 0 ? saved.stdout : null
}
