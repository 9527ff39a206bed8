import type { DecidingRule } from '../../packet-fate.ts'

/** A probe as the older iptables may match it. */
export interface LegacyPacket {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** How many were sent: a rule that decided counted as many. */
  readonly sent: number
}

export interface LegacyHit extends DecidingRule {
  readonly does: 'drop' | 'lead-away'
}

/**
 * Rules of iptables-legacy that counted as many packets as were sent, and that can match them. The kernel's trace does
 * not tell of these tables, so their counters before and after do. Pure.
 * @param before what `iptables-legacy-save -c` said before the packets were sent. @param after and afterwards.
 */
export function legacyHits(before: string, after: string, packet: LegacyPacket): readonly LegacyHit[] {
  const counted = new Map(linesOf(before).map(({ key, packets }) => [key, packets]))
  return linesOf(after).flatMap(({ key, table, chain, rule, packets }) => {
    const more = packets - (counted.get(key) ?? 0)
    const does = effectOf(table, rule)
    if (does === null || more < packet.sent || !canMatch(rule, packet)) return []
    return [{ table, chain, rule, does }]
  })
}

interface CountedLine {
  /** The same line in both listings. */
  readonly key: string
  readonly table: string
  readonly chain: string
  readonly rule: string
  readonly packets: number
}

function linesOf(saved: string): readonly CountedLine[] {
  let table = ''
  const seen = new Map<string, number>()
  return saved.split('\n').flatMap((line) => {
    if (line.startsWith('*')) table = `iptables-legacy ${line.slice(1).trim()}`
    const [, chainOf, policy, policyPackets] = /^:(\S+) (\S+) \[(\d+):\d+\]/.exec(line) ?? []
    const [, packets, rule] = /^\[(\d+):\d+\] -A (.*)$/.exec(line) ?? []
    const found =
      chainOf !== undefined && policy !== undefined
        ? { chain: chainOf, rule: `policy ${policy}`, packets: Number(policyPackets) }
        : rule === undefined
          ? null
          : { chain: rule.split(' ')[0] ?? '', rule: rule.split(' ').slice(1).join(' '), packets: Number(packets) }
    if (found === null) return []
    const name = `${table} ${found.chain} ${found.rule}`
    // The same rule may stand in a chain twice.
    const times = (seen.get(name) ?? 0) + 1
    seen.set(name, times)
    return [{ key: `${name} ${times}`, table, ...found }]
  })
}

function effectOf(table: string, rule: string): LegacyHit['does'] | null {
  if (/^policy DROP$|-j (DROP|REJECT)\b/.test(rule)) return 'drop'
  return table.endsWith(' nat') && /-j (DNAT|REDIRECT|NETMAP)\b/.test(rule) ? 'lead-away' : null
}

/** Whether nothing that the rule says of protocol and ports speaks against the packet. */
function canMatch(rule: string, { protocol, port }: LegacyPacket): boolean {
  const [, not, of] = /(! )?-p (\S+)/.exec(rule) ?? []
  if (of !== undefined && (of === protocol) === (not !== undefined)) return false
  const range = /(?<!! )--dport (\d+)(?::(\d+))?/.exec(rule)
  const [first, last] = [Number(range?.[1] ?? port), Number(range?.[2] ?? range?.[1] ?? port)]
  return first <= port && port <= last
}
