import type { DecidingRule, PacketFate } from '../../packet-fate.ts'
import { TABLE } from '../firewall/mark.ts'
import type { LegacyHit } from './legacy-counters.ts'
import { byPacket, fieldOf, type TraceEvent } from './trace.ts'
import { isWatchTable } from './watch-commands.ts'

/** All that was counted and traced of one kind of packet. */
export interface Sightings {
  /** On the outer interfaces, before every table; null: the kernel cannot count there. */
  readonly outer: number | null
  /** Before the first chain of prerouting. */
  readonly first: number
  /** Behind the last chain of input, at the port that they are for; and at another. */
  readonly local: number
  readonly otherPort: number
  /** Behind the last chain of forward, into the tunnel; and elsewhere. */
  readonly intoTunnel: number
  readonly elsewhere: number
}

/** What became of the packets. Pure. @param trace events of these packets; none where the kernel could not trace. */
export function fateOf(
  seen: Sightings,
  trace: readonly TraceEvent[],
  legacy: readonly LegacyHit[],
  wanted: 'local' | 'tunnel',
): PacketFate {
  const { outer, first } = seen
  const [right, wrong] =
    wanted === 'local'
      ? [seen.local, seen.otherPort + seen.elsewhere + seen.intoTunnel]
      : [seen.intoTunnel, seen.elsewhere + seen.local + seen.otherPort]
  const of = { arrived: outer, rule: null, to: null }
  if (right > 0) return { ...of, end: 'delivered' }
  const packets = byPacket(trace)
  if (wrong > 0) {
    const [rule = null] = packets.flatMap((one) => translationIn(one) ?? [])
    const hit = legacy.find(({ does }) => does === 'lead-away')
    const [to] = packets.flatMap((one) => targetIn(one) ?? [])
    const by = rule ?? plain(hit)
    return { ...of, end: 'led-away', rule: by, to: to ?? (by === null ? null : targetOf(by)) }
  }
  for (const one of packets) {
    const [translation, drop] = [translationIn(one), dropIn(one)]
    // What was led elsewhere, and is dropped on that way, would have come here without the rule that led it.
    if (translation !== null) return { ...of, end: 'led-away', rule: translation, to: targetOf(translation) }
    if (drop !== null) return { ...of, end: 'dropped', rule: drop }
  }
  const hit = legacy.find(({ does }) => does === 'drop') ?? legacy[0]
  const hasCome = (outer ?? 0) > 0 || first > 0
  if (hit !== undefined && hasCome)
    return hit.does === 'drop'
      ? { ...of, end: 'dropped', rule: plain(hit) }
      : { ...of, end: 'led-away', rule: plain(hit), to: targetOf(hit) }
  if (hasCome) return { ...of, end: 'lost' }
  return { ...of, end: outer === null ? 'unknown' : 'nothing-arrived' }
}

function plain(hit: LegacyHit | undefined): DecidingRule | null {
  if (hit === undefined) return null
  const { table, chain, rule } = hit
  return { table, chain, rule }
}

/** The rule, or the policy, that dropped the packet. */
function dropIn(packet: readonly TraceEvent[]): DecidingRule | null {
  const last = packet.findLast(({ verdict, table }) => verdict === 'drop' && !isWatchTable(table))
  if (last === undefined) return null
  const { table, chain, text } = last
  return { table, chain, rule: text }
}

const TRANSLATES = /\b(dnat|redirect|tproxy|DNAT|REDIRECT|NETMAP|TPROXY)\b/

/** The rule of somebody else that gave the packet another destination. */
function translationIn(packet: readonly TraceEvent[]): DecidingRule | null {
  const rule = packet.find(
    ({ kind, text, table, verdict }) =>
      kind === 'rule' && verdict === 'accept' && TRANSLATES.test(text) && !isWatchTable(table) && table !== TABLE,
  )
  return rule === undefined ? null : { table: rule.table, chain: rule.chain, rule: rule.text }
}

/** Where a rule leads, by its own words. */
function targetOf({ rule }: DecidingRule): string | null {
  return /\bdnat (?:ip6? )?to (\S+)/.exec(rule)?.[1] ?? /--to-destination (\S+)/.exec(rule)?.[1] ?? null
}

/** Where the packet went, as our last chains saw it. */
function targetIn(packet: readonly TraceEvent[]): string | null {
  const last = packet.findLast(
    ({ kind, table, chain }) => kind === 'packet' && isWatchTable(table) && /^(local|through)$/.test(chain),
  )
  if (last === undefined) return null
  const [address, port] = [
    fieldOf(last.text, 'ip daddr') ?? fieldOf(last.text, 'ip6 daddr'),
    fieldOf(last.text, 'udp dport') ?? fieldOf(last.text, 'tcp dport'),
  ]
  if (address === null) return null
  const by = fieldOf(last.text, 'oif')
  const place = port === null ? address : `${address.includes(':') ? `[${address}]` : address}:${port}`
  return by === null ? place : `${place} by ${by}`
}
