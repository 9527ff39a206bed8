import { isIPv6 } from 'node:net'
import type { PacketFate } from '../../adapters/packet-fate.ts'
import type { Asked, Fates, Peek } from '../../adapters/linux/packets/watch.ts'
import { type ArrivalsAnswer, LOOKALIKE_NONCE_AT, WATCH_MS } from '../../protocol/arrivals.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Endpoint } from '../../wireguard/spec.ts'

/** Watches packets on this machine while they are sent: adapters/linux/packets/watch.ts, or nobody. */
export type WatchPackets = (
  kinds: readonly Asked[],
  tunnel: string,
  send: (peek: Peek) => Promise<number>,
  signal: AbortSignal,
) => Promise<Fates>

const UNKNOWN: PacketFate = { arrived: null, end: 'unknown', rule: null, to: null }

export const NOBODY_WATCHES: WatchPackets = async (kinds) => kinds.map(() => UNKNOWN)

/** A handshake initiation has 148 bytes (WireGuard's paper, 5.4.2), behind a UDP header of eight. */
const INITIATION_LENGTH = 156

/** How often it is looked whether enough has come, and how many datagrams are enough. */
const GLANCE_MS = 500
const ENOUGH = 3

/** Packets of one home that the hub is to watch. */
interface Watched {
  readonly nonce: string
  /** The address that the home's question came from. */
  readonly from: string
  /** WireGuard's of UDP, the registrar's of TCP. */
  readonly port: number
  /** Where WireGuard last heard the home; null: nowhere. */
  readonly endpoint: Endpoint | null
  readonly tunnel: string
}

/** Tells a home what became of its packets here. Never throws for what cannot be told. */
export async function watchArrivals(watch: WatchPackets, watched: Watched): Promise<ArrivalsAnswer> {
  const kinds = kindsOf(watched)
  const signal = AbortSignal.timeout(4 * WATCH_MS)
  const send = async (peek: Peek): Promise<number> => {
    for (const until = performance.now() + WATCH_MS; performance.now() < until; await sleep(GLANCE_MS, signal)) {
      const [datagrams, handshakes] = await peek()
      if ((datagrams?.first ?? 0) >= ENOUGH && (handshakes?.first ?? 0) >= 1) break
    }
    await sleep(GLANCE_MS, signal)
    return 1
  }
  const fates = await watch(kinds, watched.tunnel, send, signal).catch(() => kinds.map(() => UNKNOWN))
  const of = (name: string): PacketFate | null => fates[kinds.findIndex((kind) => kind.name === name)] ?? null
  const hasCome = (name: string): boolean | null => {
    const arrived = of(name)?.arrived ?? null
    return arrived === null ? null : arrived > 0
  }
  const plain = (fate: PacketFate | null): ArrivalsAnswer['datagrams'] => short(fate ?? UNKNOWN)
  return {
    datagrams: plain(of('datagrams')),
    handshakes: plain(of('handshakes')),
    answers: watched.endpoint === null ? null : plain(of('answers')),
    others: hasCome('others'),
    lookalikes: hasCome('lookalikes'),
    expiring: hasCome('expiring'),
  }
}

function kindsOf({ nonce, from, port, endpoint }: Watched): readonly Asked[] {
  // A socket of both families names an IPv4 address this way (RFC 4291, 2.5.5.2).
  const address = from.replace(/^::ffff:(?=\d+\.)/i, '')
  const family = (one: string): string => (isIPv6(one) ? 'ip6' : 'ip')
  const all = { protocol: 'udp', port, wanted: 'local', atPort: `udp dport ${port}` } as const
  const expires = `${family(address)} saddr ${address} ${isIPv6(address) ? 'ip6 hoplimit' : 'ip ttl'} 1`
  const initiation = 'udp length 156 @th,64,32 0x01000000'
  // In bits, behind a UDP header of eight bytes.
  const lookalike = `@th,${64 + 8 * LOOKALIKE_NONCE_AT},64`
  return [
    { ...all, name: 'datagrams', match: `meta l4proto udp @th,64,64 0x${nonce}` },
    { ...all, name: 'lookalikes', match: `${initiation} ${lookalike} 0x${nonce}`, isQuiet: true },
    ...(address === ''
      ? []
      : [
          {
            ...all,
            name: 'handshakes',
            match: `${family(address)} saddr ${address} ${initiation} ${lookalike} != 0x${nonce}`,
            length: INITIATION_LENGTH,
          },
          {
            ...all,
            name: 'others',
            match: `${family(address)} saddr != ${address} udp dport ${port} @th,64,32 { 0x01000000, 0x04000000 }`,
            isQuiet: true,
          },
          {
            ...all,
            name: 'expiring',
            match: `${expires} tcp dport ${port} tcp flags & (syn | ack) == syn`,
            atPort: '',
            isQuiet: true,
          },
        ]),
    ...(endpoint === null
      ? []
      : [
          {
            ...all,
            name: 'answers',
            isOutgoing: true,
            match: `${family(endpoint.address)} daddr ${endpoint.address} udp sport ${port} udp dport ${endpoint.port}`,
          },
        ]),
  ]
}

/** A rule may be as long as its author likes; the home reads the beginning. */
function short(fate: PacketFate): ArrivalsAnswer['datagrams'] {
  const { rule } = fate
  const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text)
  if (rule === null) return { ...fate, rule: null }
  return {
    ...fate,
    rule: { table: cut(rule.table, 80), chain: cut(rule.chain, 80), rule: cut(rule.rule, 400) },
    to: fate.to === null ? null : cut(fate.to, 100),
  }
}
