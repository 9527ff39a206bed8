import { expect, test } from 'vitest'
import type { PacketFate } from '../../../../adapters/packet-fate.ts'
import { type Culprit, culpritOf, type DropEvidence } from '../../../../agent/membership/proof/culprit.ts'

const fate = (end: PacketFate['end'], more: Partial<PacketFate> = {}): PacketFate => ({
  arrived: end === 'unknown' ? null : end === 'nothing-arrived' ? 0 : 20,
  end,
  rule: null,
  to: null,
  ...more,
})
const rule = (table: string, chain: string, text: string) => ({ rule: { table, chain, rule: text } })

const DELIVERED = fate('delivered')
const NOTHING = fate('nothing-arrived')
const UNKNOWN = fate('unknown')

const ROUTER = { number: 1, address: '192.168.1.1' }
const CARRIER = { number: 2, address: '100.64.1.1' }
const LAST = { number: 9, address: '203.0.113.1' }

/** A home that sends, and of which nothing is known else. */
const SENDS: DropEvidence = {
  port: 51_820,
  refused: null,
  home: { handshakes: DELIVERED, answers: NOTHING },
  hub: { datagrams: NOTHING, handshakes: NOTHING, answers: null, others: false },
  elsewhere: true,
  hops: null,
}
const HUB = { datagrams: DELIVERED, handshakes: DELIVERED, answers: DELIVERED, others: null } as const
const LOST: DropEvidence = { ...SENDS, hops: { datagrams: null, pings: null, routers: null } }
const hops = (datagrams: typeof ROUTER | null, pings: typeof ROUTER | null = LAST, routers: number | null = 9) => ({
  ...SENDS,
  hops: { datagrams, pings, routers },
})

type Case = readonly [name: string, who: Culprit['who'], evidence: DropEvidence, said?: RegExp]

/** Thirty situations, a third each: who drops the packets, and what both ends see of it. */
const PROVIDER: readonly Case[] = [
  [
    'drops the port behind the last router',
    'provider',
    hops(LAST),
    /203\.0\.113\.1: the firewall of the VPS’s provider/,
  ],
  ['drops all UDP, while public resolvers answer', 'provider', { ...hops(LAST), elsewhere: true }],
  ['drops pings too, so that nobody knows how many routers there are', 'between', hops(LAST, null, null)],
  [
    'lets other sources in and not this one',
    'provider',
    { ...hops(LAST), hub: { ...HUB, datagrams: NOTHING, others: true } },
  ],
  ['another router is the last one for pings', 'between', hops(LAST, { number: 9, address: '203.0.113.2' })],
  ['pings that are answered pass two routers more', 'between', hops(LAST, LAST, 11)],
  ['routers say nothing: it stays open which', 'between', LOST, /nothing here tells which/],
  [
    'routers in the middle are silent, for pings too',
    'between',
    hops({ number: 6, address: '192.0.2.6' }, { number: 6, address: '192.0.2.6' }),
  ],
  ['filters at a router before the last: not the line’s', 'between', hops({ number: 6, address: '192.0.2.6' })],
  ['the tunnel ends on a router, which looks at nothing', 'between', { ...SENDS, home: null }],
]

const VPS: readonly Case[] = [
  [
    'nftables by the wiki: a last rule jumps to a chain that rejects',
    'vps',
    { ...SENDS, hub: { ...HUB, datagrams: fate('dropped', rule('inet filter', 'rejects', 'reject')) } },
    /table inet filter, chain rejects, "reject" drops them/,
  ],
  [
    'ct state vmap drops new flows',
    'vps',
    {
      ...SENDS,
      hub: {
        ...HUB,
        datagrams: fate('dropped', rule('inet filter', 'input', 'ct state vmap { established : accept, new : drop }')),
      },
    },
    /new : drop/,
  ],
  [
    'policy drop of a table with an owner',
    'vps',
    { ...SENDS, hub: { ...HUB, datagrams: fate('dropped', rule('inet guarded', 'in', 'policy drop')) } },
    /"policy drop"/,
  ],
  [
    'the DNAT of an old tunnel',
    'vps',
    {
      ...SENDS,
      hub: {
        ...HUB,
        datagrams: fate('led-away', { ...rule('ip nat', 'PREROUTING', 'iif "eth0" dnat to 10.0.0.2'), to: '10.0.0.2' }),
      },
    },
    /leads them to "10\.0\.0\.2"/,
  ],
  [
    'iptables-legacy',
    'vps',
    {
      ...SENDS,
      hub: { ...HUB, datagrams: fate('dropped', rule('iptables-legacy raw', 'PREROUTING', '-p udp -j DROP')) },
    },
    /iptables-legacy raw/,
  ],
  [
    'a rule for WireGuard’s handshakes alone',
    'vps',
    { ...SENDS, hub: { ...HUB, handshakes: fate('dropped', rule('ip mangle', 'PREROUTING', 'udp length 156 drop')) } },
    /udp length 156/,
  ],
  ['a strict reverse path filter', 'vps', { ...SENDS, hub: { ...HUB, datagrams: fate('lost') } }, /rp_filter/],
  [
    'a redirect to another program',
    'vps',
    { ...SENDS, hub: { ...HUB, datagrams: fate('led-away', rule('ip nat', 'PREROUTING', 'redirect to :53')) } },
    /redirect to :53/,
  ],
  [
    'a policy of drop on the way out',
    'vps',
    { ...SENDS, hub: { ...HUB, answers: fate('dropped', rule('ip filter', 'OUTPUT', 'policy drop')) } },
    /stops its answers: table ip filter, chain OUTPUT/,
  ],
  [
    'its rules, though the provider drops pings',
    'vps',
    { ...hops(LAST, null), hub: { ...HUB, datagrams: fate('dropped', rule('inet f', 'i', 'drop')) } },
  ],
]

const HOME: readonly Case[] = [
  ['the Pi’s firewall refuses to send', 'home', { ...SENDS, refused: 'EPERM', home: null }, /EPERM/],
  [
    'the Pi’s firewall drops the handshakes on their way out',
    'home',
    {
      ...SENDS,
      home: { handshakes: fate('dropped', rule('ip own', 'out', 'udp length 156 drop')), answers: NOTHING },
      hub: { ...HUB, handshakes: NOTHING },
    },
    /table ip own, chain out/,
  ],
  [
    'no route to the hub',
    'home',
    { ...SENDS, refused: 'ENETUNREACH', home: null },
    /cannot send to the hub \(ENETUNREACH\)/,
  ],
  [
    'the Pi’s firewall drops the answers',
    'home',
    {
      ...SENDS,
      home: { handshakes: DELIVERED, answers: fate('dropped', rule('ip filter', 'INPUT', 'policy drop')) },
      hub: HUB,
    },
    /answers come to this machine/,
  ],
  ['the home’s router drops the port', 'line', hops(ROUTER), /192\.168\.1\.1, router 1, and no farther/],
  ['the home’s router drops before it reports', 'line', hops(null), /do not even pass this home’s router/],
  ['the carrier drops UDP', 'line', hops(CARRIER), /100\.64\.1\.1, router 2/],
  [
    'others’ packets come, and how far these get is not seen: a provider may let in some addresses only',
    'between',
    { ...LOST, hub: { ...HUB, datagrams: NOTHING, others: true } },
    /those of others came/,
  ],
  [
    'WireGuard’s handshakes are taken out on the way',
    'between',
    { ...SENDS, hub: { ...HUB, handshakes: NOTHING } },
    /none of WireGuard’s handshakes/,
  ],
  [
    'the clock went back: handshakes are refused',
    'hub',
    { ...SENDS, hub: { ...HUB, answers: NOTHING } },
    /timedatectl|clock went back/,
  ],
]

const CASES = [...PROVIDER, ...VPS, ...HOME].map(([name, who, evidence, said = /./]) => ({ name, who, evidence, said }))

test.each(CASES)('$name: $who', ({ who, evidence, said }) => {
  const named = culpritOf(evidence)
  expect(named).toMatchObject({ who, said: expect.stringMatching(said) as string })
  // The provider's firewall is the one to open where nothing came to the VPS, counted there, and the way was seen.
  const { hub } = evidence
  if (named.who === 'provider') expect(hub?.datagrams).toMatchObject({ arrived: 0, end: 'nothing-arrived' })
})

test('thirty situations, a third each', () => {
  expect([PROVIDER, VPS, HOME].map(({ length }) => length)).toEqual([10, 10, 10])
})

/** Each end of each packet with each: whatever was not seen accuses nobody. */
const ENDS: readonly PacketFate[] = [
  UNKNOWN,
  NOTHING,
  DELIVERED,
  fate('lost'),
  fate('dropped', rule('ip t', 'c', 'drop')),
  fate('led-away', rule('ip t', 'c', 'dnat to 10.0.0.2')),
]

test('whatever the evidence, the provider is named only where nothing arrived, and the VPS only with what stopped it', () => {
  const ways = [null, { datagrams: LAST, pings: LAST, routers: 9 }, { datagrams: ROUTER, pings: LAST, routers: 9 }]
  for (const datagrams of ENDS)
    for (const handshakes of ENDS)
      for (const answers of [null, ...ENDS])
        for (const others of [null, true, false])
          for (const way of ways)
            for (const home of [
              null,
              { handshakes: DELIVERED, answers: NOTHING },
              { handshakes: NOTHING, answers: UNKNOWN },
            ]) {
              const evidence = { ...SENDS, home, hops: way, hub: { datagrams, handshakes, answers, others } }
              const { who, said, next } = culpritOf(evidence)
              if (who === 'provider') expect([datagrams.end, way?.datagrams]).toEqual(['nothing-arrived', LAST])
              if (who === 'vps') expect(said).toMatch(/table ip t|rp_filter/)
              if (who === 'line') expect(datagrams.end).toBe('nothing-arrived')
              if (who === 'vps' || who === 'home' || who === 'hub') expect(`${said} ${next}`).not.toContain('provider')
              if (datagrams.end === 'unknown') expect(who).not.toMatch(/provider|line/)
            }
})

test.each([
  ['the hub is older or not reached', { ...SENDS, hub: null }],
  ['the VPS’s kernel cannot count', { ...SENDS, hub: { ...HUB, datagrams: UNKNOWN, handshakes: UNKNOWN } }],
  ['all is seen to pass', { ...SENDS, home: { handshakes: DELIVERED, answers: DELIVERED }, hub: HUB }],
  [
    'handshakes went by another way, and none was missed',
    { ...SENDS, home: null, hub: { ...HUB, handshakes: NOTHING } },
  ],
] as const)('nobody is named where %s', (_, evidence) => {
  expect(culpritOf(evidence)).toMatchObject({ who: 'unknown', said: expect.not.stringMatching(/provider/) as string })
})

test('answers that leave the VPS and do not come here are lost on the way, and nothing tells where', () => {
  expect(culpritOf({ ...SENDS, hub: HUB })).toMatchObject({ who: 'between' })
})

test('words of the hub stay words: they end no quote and begin no line', () => {
  const nasty = fate('dropped', rule('ip x\nrun this', 'c"', 'drop" \u001b[31m\nrm -rf /'))
  const { said, next } = culpritOf({ ...SENDS, hub: { ...HUB, datagrams: nasty } })
  for (const character of ['\n', '\u001b']) expect(said).not.toContain(character)
  expect(next).not.toContain('rm -rf')
})
