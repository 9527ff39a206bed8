import type { TraceEvent } from './trace.ts'

/** What tells the kinds of one watch apart in a trace. */
export interface TracedKind {
  readonly protocol: 'tcp' | 'udp'
  readonly length?: number
  readonly sourcePort?: number
  readonly isOutgoing?: boolean
}

/** Events of the packets of one kind: a trace begins with the packet as it came. */
export function eventsOf(
  kind: TracedKind,
  kinds: readonly TracedKind[],
  events: readonly TraceEvent[],
): readonly TraceEvent[] {
  const ids = new Set(
    events
      .filter((event) => event.kind === 'packet')
      .filter(
        ({ text }) => isOfKind(kind, text) && !kinds.some((other) => isNarrower(other, kind) && isOfKind(other, text)),
      )
      .map(({ id }) => id),
  )
  return events.filter(({ id }) => ids.has(id))
}

/** A kind of one length is that kind, and not also the one of any. */
function isNarrower(other: TracedKind, kind: TracedKind): boolean {
  return kind.length === undefined && other.length !== undefined
}

/** Protocol, direction and length tell the kinds of one watch apart. */
function isOfKind({ protocol, length, sourcePort, isOutgoing = false }: TracedKind, packet: string): boolean {
  const [, of, from, found] = /\b(tcp|udp) sport (\d+) (?:tcp|udp) dport \d+(?: udp length (\d+))?/.exec(packet) ?? []
  // The watch's own packet, by which it learns that traces are told.
  if (/^[io]if "lo"/.test(packet)) return false
  const isGoing = packet.startsWith('oif ')
  if (of !== protocol || isGoing !== isOutgoing) return false
  return (length ?? found)?.toString() === found && (sourcePort ?? from)?.toString() === from
}
