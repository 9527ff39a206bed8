import { expect, test } from 'vitest'
import { fateOf, type Sightings } from '../../../../adapters/linux/packets/fate.ts'
import { legacyHits } from '../../../../adapters/linux/packets/legacy-counters.ts'
import { parseTrace } from '../../../../adapters/linux/packets/trace.ts'

const NONE: Sightings = { outer: 0, first: 0, local: 0, otherPort: 0, intoTunnel: 0, elsewhere: 0 }
const CAME: Sightings = { ...NONE, outer: 3, first: 3 }

/** As nft 1.0.6 of Debian 12 prints it. */
const PACKET =
  'packet: iif "eth0" ether saddr 66:90:45:3d:4f:88 ether daddr 96:ac:07:15:54:26 ip saddr 198.51.100.11 ip daddr 203.0.113.10 ip dscp cs0 ip ecn not-ect ip ttl 64 ip id 11148 ip protocol udp ip length 38 udp sport 54096 udp dport 51820 udp length 18 @th,64,80 0x68700000000100017878'
const traced = (...lines: readonly string[]): string =>
  [
    `netdev homeward_watch from_0 ${PACKET}`,
    'netdev homeward_watch from_0 rule meta l4proto udp meta nftrace set 1 counter name "probe" (verdict continue)',
    'netdev homeward_watch from_0 policy accept ',
    `inet homeward_watch first ${PACKET}`,
    ...lines,
  ]
    .map((line) => `trace id 7eb31642 ${line}\n`)
    .join('')

test('a chain that the last rule jumps to rejects: that rule is named, by its own table and chain', () => {
  const text = traced(
    `ip others input ${PACKET}`,
    'ip others input rule jump rej (verdict jump rej)',
    'ip others rej rule counter packets 7 bytes 200 reject (verdict drop)',
  )
  expect(fateOf(CAME, parseTrace(text), [], 'local')).toEqual({
    arrived: 3,
    end: 'dropped',
    rule: { table: 'ip others', chain: 'rej', rule: 'counter reject' },
    to: null,
  })
})

test.each([
  ['ip filter INPUT unknown rule handle 2 (verdict drop)', 'handle 2'],
  ['ip filter INPUT rule ct state vmap { established : accept, new : drop } (verdict drop)', /vmap/],
  ['inet filter input policy drop', 'policy drop'],
])('%s is told', (line, rule) => {
  const { end, rule: named } = fateOf(CAME, parseTrace(traced(line)), [], 'local')
  expect(end).toBe('dropped')
  if (typeof rule === 'string') expect(named?.rule).toBe(rule)
  else expect(named?.rule).toMatch(rule)
})

const DNAT =
  'ip nat PREROUTING rule iifname "eth0" meta l4proto udp counter packets 1 bytes 2 dnat to 10.0.0.2 (verdict accept)'

test('a DNAT of somebody else is the cause, whatever drops the packet on that way', () => {
  const dropped = traced(DNAT, 'ip filter FORWARD policy drop')
  for (const text of [traced(DNAT), dropped])
    expect(fateOf(CAME, parseTrace(text), [], 'local')).toMatchObject({
      end: 'led-away',
      rule: { table: 'ip nat', chain: 'PREROUTING', rule: 'iifname "eth0" meta l4proto udp counter dnat to 10.0.0.2' },
      to: '10.0.0.2',
    })
})

test('packets that leave for elsewhere are told with the place and the interface', () => {
  const text = traced(
    DNAT,
    `inet homeward_watch through ${PACKET.replace('iif "eth0"', 'iif "eth0" oif "br-web"').replace('203.0.113.10', '172.18.0.2')}`,
  )
  expect(fateOf({ ...CAME, elsewhere: 3 }, parseTrace(text), [], 'tunnel')).toMatchObject({
    end: 'led-away',
    to: '172.18.0.2:51820 by br-web',
  })
})

test('our own redirects and translations are nobody’s fault', () => {
  const own = 'inet homeward published rule dnat ip to udp dport map @udp_services (verdict accept)'
  expect(fateOf(CAME, parseTrace(traced(own)), [], 'local')).toMatchObject({ end: 'lost', rule: null })
  expect(fateOf({ ...CAME, intoTunnel: 1 }, parseTrace(traced(own)), [], 'tunnel').end).toBe('delivered')
})

test('a program at another port is not the one that they are for', () => {
  expect(fateOf({ ...CAME, otherPort: 3 }, [], [], 'local').end).toBe('led-away')
})

test.each([
  [NONE, 'nothing-arrived'],
  [{ ...NONE, outer: null }, 'unknown'],
  [{ ...NONE, outer: null, first: 2 }, 'lost'],
  [CAME, 'lost'],
  [{ ...CAME, local: 1 }, 'delivered'],
] as const)('without a trace: %j is %s', (seen, end) => {
  expect(fateOf(seen, [], [], 'local')).toMatchObject({ end, rule: null })
})

const SAVED = (packets: number, other = 5) => `*raw
:PREROUTING ACCEPT [9:900]
[${packets}:90] -A PREROUTING -p udp -m udp --dport 51820 -j DROP
[${other}:90] -A PREROUTING -p tcp -m tcp --dport 51820 -j DROP
[${packets}:90] -A PREROUTING -p udp -m udp --dport 53 -j DROP
COMMIT
*filter
:FORWARD DROP [${other}:1]
COMMIT
*nat
[${packets}:1] -A PREROUTING -i eth0 -p udp -j DNAT --to-destination 10.0.0.2
COMMIT
`

test('rules of the older iptables are named by their counters, before and after', () => {
  const packet = { protocol: 'udp', port: 51_820, sent: 3 } as const
  const hits = legacyHits(SAVED(2), SAVED(5), packet)
  expect(hits.map(({ table, does }) => [table, does])).toEqual([
    ['iptables-legacy raw', 'drop'],
    ['iptables-legacy nat', 'lead-away'],
  ])
  expect(legacyHits(SAVED(2), SAVED(4), packet)).toEqual([])
  expect(fateOf(CAME, [], hits, 'local')).toMatchObject({
    end: 'dropped',
    rule: { chain: 'PREROUTING', rule: '-p udp -m udp --dport 51820 -j DROP' },
  })
  expect(fateOf(CAME, [], hits.slice(1), 'local')).toMatchObject({ end: 'led-away', to: '10.0.0.2' })
})

test('lines of another form say nothing', () => {
  expect(parseTrace('# nft\ntrace id\n\ntrace id 1 ip filter INPUT return\n')).toEqual([])
})
