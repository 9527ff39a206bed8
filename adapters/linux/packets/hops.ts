import { createSocket, type Socket } from 'node:dgram'
import { isIPv4 } from 'node:net'
import * as v from 'valibot'
import { tryCommand } from '../../../system/process/run-command.ts'
import { discardSocket } from '../../../system/sockets/discard-socket.ts'
import { sleep } from '../../../system/time/sleep.ts'
import type { HopEvidence } from '../../packet-fate.ts'
import { startNft } from './nft-child.ts'
import { passingTable, removePassing } from './passing-tables.ts'

/** As far as anything is on the internet; a way that is longer is looked at as far as this. */
const MOST_HOPS = 24
const READY_MS = 5_000
/** How long routers are waited for. Each is asked this often: many answer only some. */
const ANSWER_MS = 1_500
const TIMES = 3

/**
 * How far datagrams to this place get: those with a small TTL expire at a router, which says so (RFC 792, time exceeded).
 * Such a message does not come to a program without rights over raw sockets; so a table of the kernel's firewall counts
 * it, by the port that the expired datagram came from. @returns null where that cannot be had. IPv4 only.
 * @param datagram what they carry: some on the way may look at that.
 */
export async function findHops(
  { address, port }: { readonly address: string; readonly port: number },
  signal: AbortSignal,
  datagram: Uint8Array = new Uint8Array(16),
): Promise<HopEvidence | null> {
  if (!isIPv4(address)) return null
  const table = passingTable('inet', 'hops')
  const nft = startNft(['-i'])
  const sockets: Socket[] = []
  try {
    nft.write([
      `add table ${table}`,
      `add chain ${table} in { type filter hook input priority -2147483648; policy accept; }`,
    ])
    const pinging = pingAll(address, signal)
    const opened = await Promise.all(Array.from({ length: MOST_HOPS }, (_, index) => openWithTtl(index + 1)))
    sockets.push(...opened)
    nft.write(
      opened.flatMap((socket, index) => [
        `add set ${table} hop${index + 1} { type ipv4_addr; size 16; flags dynamic; }`,
        // Behind ICMP's eight bytes and an IPv4 header of twenty: the source port of the datagram that expired.
        `add rule ${table} in icmp type time-exceeded @th,224,16 ${socket.address().port} add @hop${index + 1} { ip saddr }`,
      ]),
    )
    nft.write([`add set ${table} ready { type ipv4_addr; }`])
    if (!(await isThere(table, 'ready', signal))) return null
    for (let time = 0; time < TIMES; time += 1) {
      for (const socket of opened) socket.send(datagram, port, address)
      await sleep(ANSWER_MS / TIMES, signal)
    }
    const found = await Promise.all(opened.map((_, index) => elementsOf(table, `hop${index + 1}`, signal)))
    const hops = found.flatMap(([first], index) =>
      typeof first === 'string' ? [{ number: index + 1, address: first }] : [],
    )
    return { datagrams: hops.at(-1) ?? null, ...(await pinging) }
  } catch (thrown) {
    if (signal.aborted) throw thrown
    return null
  } finally {
    for (const socket of sockets) discardSocket(socket)
    await nft.end()
    await removePassing([table])
  }
}

function openWithTtl(ttl: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
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

/** Pings with every TTL: the farthest router that reports one, and the routers that one must pass to be answered. */
async function pingAll(address: string, signal: AbortSignal): Promise<Pick<HopEvidence, 'pings' | 'routers'>> {
  const all = Array.from({ length: MOST_HOPS }, async (_, index) => {
    const number = index + 1
    const args = ['-n', '-c', '2', '-i', '0.3', '-W', '1', '-t', String(number), address]
    const { stdout } = await tryCommand('ping', args, { signal, timeoutMs: 5_000 }).catch(() => ({ stdout: '' }))
    return { number, from: EXPIRED.exec(stdout)?.[1] ?? null, isAnswered: ANSWERED.test(stdout) }
  })
  const said = await Promise.all(all)
  const pings = said.flatMap(({ number, from }) => (from === null ? [] : [{ number, address: from }])).at(-1) ?? null
  const first = said.find(({ isAnswered }) => isAnswered)
  return { pings, routers: first === undefined ? null : first.number - 1 }
}

/** Lines of iputils' ping. */
const EXPIRED = /^From (\d+\.\d+\.\d+\.\d+).*(?:Time to live|Time) exceeded/m
const ANSWERED = /^\d+ bytes from .* ttl=/m

async function isThere(table: string, set: string, signal: AbortSignal): Promise<boolean> {
  const until = performance.now() + READY_MS
  while (performance.now() < until) {
    const { exitCode } = await tryCommand('nft', ['list', 'set', ...table.split(' '), set], { signal })
    if (exitCode === 0) return true
    await sleep(30, signal)
  }
  return false
}

const Listing = v.object({ nftables: v.array(v.record(v.string(), v.unknown())) })
const Elements = v.object({ elem: v.optional(v.array(v.unknown()), []) })

async function elementsOf(table: string, set: string, signal: AbortSignal): Promise<readonly unknown[]> {
  const { exitCode, stdout } = await tryCommand('nft', ['-j', 'list', 'set', ...table.split(' '), set], { signal })
  if (exitCode !== 0) return []
  const [found] = v
    .parse(Listing, JSON.parse(stdout))
    .nftables.flatMap((one) => (v.is(Elements, one['set']) ? [one['set']] : []))
  return v.parse(Elements, found ?? {}).elem
}
