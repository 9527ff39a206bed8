/** One line of `nft monitor trace` (nft(8), "MONITOR"): what a packet met, in the order in which it met it. */
export interface TraceEvent {
  /** Tells the packets apart. */
  readonly id: string
  /** Family and name, e.g. `ip filter`. */
  readonly table: string
  readonly chain: string
  /** `packet`: the packet as it came into a base chain; `policy`: no rule decided. */
  readonly kind: 'packet' | 'rule' | 'policy'
  /** The packet's fields, or the rule. */
  readonly text: string
  /** null where nothing was decided. */
  readonly verdict: string | null
}

const LINE = /^trace id ([0-9a-f]+) (\S+) (\S+) (\S+) (.*?)\s*$/

/** Reads what `nft monitor trace` printed; lines of another form say nothing here. Pure. */
export function parseTrace(text: string): readonly TraceEvent[] {
  return text.split('\n').flatMap((line): readonly TraceEvent[] => {
    const [, id, family, name, chain, rest = ''] = LINE.exec(line) ?? []
    if (id === undefined || family === undefined || name === undefined || chain === undefined) return []
    const of = { id, table: `${family} ${name}`, chain }
    if (rest.startsWith('packet: ')) return [{ ...of, kind: 'packet', text: rest.slice(8), verdict: null }]
    const policy = /^policy (\S+)$/.exec(rest)?.[1]
    if (policy !== undefined) return [{ ...of, kind: 'policy', text: `policy ${policy}`, verdict: policy }]
    const [, rule, verdict] = /^(?:unknown )?rule (.*?)\s*\(verdict ([^)]*)\)$/.exec(rest) ?? []
    if (rule === undefined || verdict === undefined) return []
    return [{ ...of, kind: 'rule', text: withoutCounts(rule), verdict }]
  })
}

/** The events of each packet by itself, in order: those of several come mixed. */
export function byPacket(events: readonly TraceEvent[]): readonly (readonly TraceEvent[])[] {
  const packets = new Map<string, TraceEvent[]>()
  for (const event of events) packets.set(event.id, [...(packets.get(event.id) ?? []), event])
  return [...packets.values()]
}

/** A field of the packet, e.g. `ip daddr` or `oif`. */
export function fieldOf(packet: string, name: string): string | null {
  const value = new RegExp(`(?:^| )${name} ("[^"]*"|\\S+)`).exec(packet)?.[1]
  return value === undefined ? null : value.replaceAll('"', '')
}

/** The rule without its counters, which change from packet to packet. */
function withoutCounts(rule: string): string {
  return rule
    .replaceAll(/counter packets \d+ bytes \d+/g, 'counter')
    .replaceAll(/\s+/g, ' ')
    .trim()
}
