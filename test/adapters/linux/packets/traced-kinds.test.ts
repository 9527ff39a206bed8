import { expect, test } from 'vitest'
import { parseTrace } from '../../../../adapters/linux/packets/trace.ts'
import { eventsOf } from '../../../../adapters/linux/packets/traced-kinds.ts'

const packet = (id: string, from: string, length: number) =>
  `trace id ${id} inet homeward_watch first packet: ${from} ip saddr 192.0.2.1 ip daddr 203.0.113.10 udp sport 4000 udp dport 51820 udp length ${length} @th,64,96 0x1`
const rule = (id: string) => `trace id ${id} ip filter input rule counter packets 1 bytes 2 drop (verdict drop)`

const HANDSHAKES = { protocol: 'udp', length: 156 } as const
const DATAGRAMS = { protocol: 'udp' } as const
const ANSWERS = { protocol: 'udp', isOutgoing: true } as const
const KINDS = [DATAGRAMS, HANDSHAKES, ANSWERS]

const events = parseTrace(
  [
    packet('a1', 'iif "eth0"', 44),
    rule('a1'),
    packet('a2', 'iif "eth0"', 156),
    packet('a3', 'oif "eth0"', 100),
    // The watch's own, which comes by loopback.
    packet('a4', 'iif "lo"', 16),
    packet('a5', 'oif "lo"', 16),
  ].join('\n'),
)
const idsOf = (kind: (typeof KINDS)[number]) => [...new Set(eventsOf(kind, KINDS, events).map(({ id }) => id))]

test('each packet is of one kind: the one of its length, of its direction, and never by loopback', () => {
  expect(idsOf(DATAGRAMS)).toEqual(['a1'])
  expect(idsOf(HANDSHAKES)).toEqual(['a2'])
  expect(idsOf(ANSWERS)).toEqual(['a3'])
})

test('what a packet met goes with it', () => {
  expect(eventsOf(DATAGRAMS, KINDS, events).map(({ kind, verdict }) => [kind, verdict])).toEqual([
    ['packet', null],
    ['rule', 'drop'],
  ])
})
