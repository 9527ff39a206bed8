import type { PacketFate } from '../../../../adapters/packet-fate.ts'
import type { Culprit, DropEvidence } from '../../../../agent/membership/proof/culprit.ts'

export const fate = (end: PacketFate['end'], more: Partial<PacketFate> = {}): PacketFate => ({
  arrived: end === 'unknown' ? null : end === 'nothing-arrived' ? 0 : 20,
  end,
  rule: null,
  to: null,
  ...more,
})
export const rule = (table: string, chain: string, text: string) => ({ rule: { table, chain, rule: text } })

export const DELIVERED = fate('delivered')
export const NOTHING = fate('nothing-arrived')
export const UNKNOWN = fate('unknown')

export const ROUTER = { number: 1, address: '192.168.1.1' }
const CARRIER = { number: 2, address: '100.64.1.1' }
export const LAST = { number: 9, address: '203.0.113.1' }

/** A home that sends, and of which nothing is known else. */
export const SENDS: DropEvidence = {
  port: 51_820,
  refused: null,
  home: { handshakes: DELIVERED, answers: NOTHING },
  hub: { datagrams: NOTHING, handshakes: NOTHING, answers: null, others: false },
  elsewhere: true,
  hops: null,
  lookalikes: null,
}
export const HUB = { datagrams: DELIVERED, handshakes: DELIVERED, answers: DELIVERED, others: null } as const
const LOST: DropEvidence = { ...SENDS, hops: { datagrams: null, pings: null, routers: null } }
const hops = (datagrams: typeof ROUTER | null, pings: typeof ROUTER | null = LAST, routers: number | null = 9) => ({
  ...SENDS,
  hops: { datagrams, pings, routers },
})

/** Other datagrams come, and no handshake. */
const FILTERED: DropEvidence = { ...SENDS, hub: { ...HUB, handshakes: NOTHING } }

export type Situation = readonly [name: string, who: Culprit['who'], evidence: DropEvidence, said?: RegExp]

/**
 * Thirty situations, a third each: who drops the packets, and what both ends see of it. In seven nobody is named, since
 * neither end can know more: each says why.
 */
export const PROVIDER: readonly Situation[] = [
  [
    'drops the port behind the last router',
    'provider',
    hops(LAST),
    /203\.0\.113\.1: the firewall of the VPS’s provider/,
  ],
  [
    'drops WireGuard’s handshakes: what looks like them gets to the last router',
    'provider',
    { ...FILTERED, lookalikes: { datagrams: LAST, pings: LAST, routers: 9 } },
    /none of WireGuard’s handshakes.*203\.0\.113\.1: the firewall of the VPS’s provider/,
  ],
  // Which router is the last one before the VPS is known by pings alone: a TCP connection may end at a proxy on the way.
  ['drops pings too, so that nobody knows how many routers there are', 'between', hops(LAST, null, null)],
  [
    'lets other sources in and not this one',
    'provider',
    { ...hops(LAST), hub: { ...HUB, datagrams: NOTHING, others: true } },
  ],
  // Two paths: what is the last router of one may be any of the other.
  ['another router is the last one for pings', 'between', hops(LAST, { number: 9, address: '203.0.113.2' })],
  // Two more report nothing at all, pings included: either of them, or the one before, may drop.
  ['pings that are answered pass two routers more', 'between', hops(LAST, LAST, 11)],
  // As most of the internet: there is no other trace of a packet that is dropped.
  ['routers say nothing: it stays open which', 'between', LOST, /nothing here tells which/],
  // The same from there on.
  [
    'routers in the middle are silent, for pings too',
    'between',
    hops({ number: 6, address: '192.0.2.6' }, { number: 6, address: '192.0.2.6' }),
  ],
  // Pings go on, so it is that router or the next; but whose they are, no address tells.
  ['filters at a router before the last: not the line’s', 'between', hops({ number: 6, address: '192.0.2.6' })],
  [
    'the tunnel ends on a router, whose own packets nobody sees: those of the machine behind it go the same way',
    'provider',
    { ...hops(LAST), home: null },
  ],
]

export const VPS: readonly Situation[] = [
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

export const HOME: readonly Situation[] = [
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
  // The port is open, and a firewall that lets some addresses in looks the same as a line that drops.
  [
    'others’ packets come, and how far these get is not seen: a provider may let in some addresses only',
    'between',
    { ...LOST, hub: { ...HUB, datagrams: NOTHING, others: true } },
    /those of others came/,
  ],
  [
    'the carrier takes WireGuard’s handshakes out: what looks like them gets to its router',
    'line',
    { ...FILTERED, lookalikes: { datagrams: CARRIER, pings: LAST, routers: 9 } },
    /none of WireGuard’s handshakes.*100\.64\.1\.1, router 2, and no farther/,
  ],
  [
    'the clock went back: handshakes are refused',
    'hub',
    { ...SENDS, hub: { ...HUB, answers: NOTHING } },
    /timedatectl|clock went back/,
  ],
]

/** And those in which nothing that was seen names anybody. */
export const UNSEEN: readonly Situation[] = [
  ['the hub is older or not reached', 'unknown', { ...SENDS, hub: null }, /could not be asked/],
  ['the VPS’s kernel cannot count', 'unknown', { ...SENDS, hub: { ...HUB, datagrams: UNKNOWN, handshakes: UNKNOWN } }],
  ['all is seen to pass', 'unknown', { ...SENDS, home: { handshakes: DELIVERED, answers: DELIVERED }, hub: HUB }],
  [
    'handshakes went by another way, and none was missed',
    'unknown',
    { ...SENDS, home: null, hub: { ...HUB, handshakes: NOTHING } },
  ],
  [
    'handshakes are missed at the address that the question came from, and what looks like them comes',
    'unknown',
    { ...FILTERED, lookalikes: 'come' },
  ],
  ['handshakes are missed, and nobody could follow them', 'between', FILTERED, /none of WireGuard’s handshakes/],
  [
    'the tunnel ends on a router, whose handshakes come though the datagrams behind it do not',
    'unknown',
    { ...hops(ROUTER), home: null, hub: { ...HUB, datagrams: NOTHING } },
  ],
  ['answers leave the VPS and do not come here', 'between', { ...SENDS, hub: HUB }, /answers leave the VPS/],
]
