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
  hub: { datagrams: NOTHING, handshakes: NOTHING, answers: null, others: false, expiring: true },
  elsewhere: true,
  hops: null,
  lookalikes: null,
}
export const HUB = {
  datagrams: DELIVERED,
  handshakes: DELIVERED,
  answers: DELIVERED,
  others: null,
  expiring: true,
} as const
type Router = typeof ROUTER
/** @param missed where `line` is at stake: the nearest router behind, which reports connections and none of these. */
export const hops = (
  datagrams: Router | null,
  missed: Router | null = null,
  farthest: Router | null = LAST,
  routers: number | null = 9,
) => ({
  datagrams,
  missed,
  connections: { farthest, routers },
})
const SILENT = hops(null, null, null, null)
const get = (...of: Parameters<typeof hops>): DropEvidence => ({ ...SENDS, hops: hops(...of) })

/** Other datagrams come, and no handshake. */
const FILTERED: DropEvidence = { ...SENDS, hub: { ...HUB, handshakes: NOTHING } }
const LAST_OF_IPV6 = { number: 7, address: '2001:db8:ffff::1' }

export type Situation = readonly [name: string, who: Culprit['who'], evidence: DropEvidence, said?: RegExp]

/** Who drops the packets, and what both ends see of it. Thirty with real packets are in lab-situations.ts. */
export const PROVIDER: readonly Situation[] = [
  [
    'drops the port behind the last router',
    'provider',
    get(LAST),
    /203\.0\.113\.1: the firewall of the VPS’s provider/,
  ],
  [
    'drops WireGuard’s handshakes: what looks like them gets to the last router',
    'provider',
    { ...FILTERED, lookalikes: hops(LAST) },
    /none of WireGuard’s handshakes.*203\.0\.113\.1: the firewall of the VPS’s provider/,
  ],
  [
    'lets other sources in and not this one',
    'provider',
    { ...get(LAST), hub: { ...HUB, datagrams: NOTHING, others: true } },
  ],
  [
    'the tunnel ends on a router, whose own packets nobody sees: those of the machine behind it go the same way',
    'provider',
    { ...get(LAST), home: null },
  ],
  ['drops the port of IPv6', 'provider', get(LAST_OF_IPV6, null, LAST_OF_IPV6, 7), /2001:db8:ffff::1/],
  [
    'drops handshakes of IPv6',
    'provider',
    { ...FILTERED, lookalikes: hops(LAST_OF_IPV6, null, LAST_OF_IPV6, 7) },
    /2001:db8:ffff::1/,
  ],
  [
    'the VPS is two routers away, as from another machine of the same provider',
    'provider',
    get(ROUTER, null, ROUTER, 1),
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
    'its rules, though no router reports anything',
    'vps',
    { ...SENDS, hops: SILENT, hub: { ...HUB, datagrams: fate('dropped', rule('inet f', 'i', 'drop')) } },
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
  ['the home’s router drops the port', 'line', get(ROUTER, CARRIER), /192\.168\.1\.1, router 1, and no farther/],
  ['the home’s router drops before it reports', 'line', get(null, ROUTER), /no router reports them, where connections/],
  ['the carrier drops UDP', 'line', get(CARRIER, { number: 3, address: '192.0.2.3' }), /100\.64\.1\.1, router 2/],
  [
    'the home’s router drops the port of IPv6, which it lets out in IPv4',
    'line',
    get({ number: 1, address: '2001:db8:1::1' }, { number: 2, address: '2001:db8:2::1' }, LAST_OF_IPV6, 7),
    /2001:db8:1::1, router 1, and no farther/,
  ],
  [
    'the carrier takes WireGuard’s handshakes out: what looks like them gets to its router',
    'line',
    { ...FILTERED, lookalikes: hops(CARRIER, { number: 3, address: '192.0.2.3' }) },
    /none of WireGuard’s handshakes.*100\.64\.1\.1, router 2, and no farther/,
  ],
  [
    'the clock went back: handshakes are refused',
    'hub',
    { ...SENDS, hub: { ...HUB, answers: NOTHING } },
    /timedatectl|clock went back/,
  ],
]

/**
 * Those in which neither end can know who it is, though all was seen that there is: each says why. Nobody is named, and
 * what is left is told.
 */
export const UNKNOWABLE: readonly Situation[] = [
  [
    'the hub is older and does not tell what came',
    'between',
    { ...get(LAST), hub: { ...SENDS.hub!, expiring: undefined } },
  ],
  [
    'the line sets TTLs anew, or a proxy answers: what is answered may have passed any number of routers',
    'between',
    { ...get(ROUTER, null, ROUTER, 1), hub: { ...SENDS.hub!, expiring: false } },
  ],
  // Two paths: what is the last router of one may be any of the other.
  ['another router is the last one for connections', 'between', get(LAST, null, { number: 9, address: '203.0.113.2' })],
  // Two more report nothing at all: either of them, or the one before, may drop.
  ['connections that are answered pass two routers more', 'between', get(LAST, null, LAST, 11)],
  // As most of the internet: there is no other trace of a packet that is dropped.
  ['routers say nothing: it stays open which', 'between', { ...SENDS, hops: SILENT }, /nothing here tells which/],
  // The same from there on.
  [
    'routers in the middle are silent',
    'between',
    get({ number: 6, address: '192.0.2.6' }, null, { number: 6, address: '192.0.2.6' }, 9),
  ],
  [
    'the home’s router reports them, and the next one that reports connections is far away',
    'between',
    get(ROUTER, { number: 6, address: '192.0.2.6' }),
  ],
  ['the first router that reports anything is far away', 'between', get(null, { number: 6, address: '192.0.2.6' })],
  // Connections go on, so it is that router or the next; but whose they are, no address tells.
  [
    'filters at a router before the last: not the line’s',
    'between',
    get({ number: 6, address: '192.0.2.6' }, { number: 7, address: '192.0.2.7' }),
  ],
  // It may have reported as much as it may in a second.
  ['a router behind says nothing of them, and of connections once', 'between', get(ROUTER)],
  // The port is open, and a firewall that lets some addresses in looks the same as a line that drops.
  [
    'others’ packets come, and how far these get is not seen: a provider may let in some addresses only',
    'between',
    { ...SENDS, hops: SILENT, hub: { ...HUB, datagrams: NOTHING, others: true } },
    /those of others came/,
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
    { ...get(ROUTER, CARRIER), home: null, hub: { ...HUB, datagrams: NOTHING } },
  ],
  ['answers leave the VPS and do not come here', 'between', { ...SENDS, hub: HUB }, /answers leave the VPS/],
]
