import type { Culprit } from '../../../../agent/membership/proof/culprit.ts'
import type { Host } from '../../../lab/host/host.ts'
import type { Picture } from '../../../lab/picture.ts'

/** Something in the way of a tunnel that was joined, in a laboratory of both families. */
export interface LabSituation {
  readonly name: string
  /** IPv4 unless said. */
  readonly overIPv6?: boolean
  readonly where: (picture: Picture) => Host
  readonly breaks: string
  readonly mends: string
  readonly who: Culprit['who']
  readonly said: RegExp
}

const nft = (text: string): string => `nft -f - <<'X'\n${text}\nX`

/** A table of this name with one chain, and how it goes. */
const table = (named: string, hook: string, rules: string): Pick<LabSituation, 'breaks' | 'mends'> => ({
  breaks: nft(`table ${named} { chain it { type ${hook}; policy accept; ${rules} }; }`),
  mends: `nft delete table ${named}`,
})
const forward = (named: string, rules: string) => table(named, 'filter hook forward priority 0', rules)

const HANDSHAKES = 'udp length 156 @th,64,32 0x01000000'

const byProvider = (
  name: string,
  rules: string,
  said = /pass every router before it/,
): LabSituation & { readonly overIPv6?: boolean } => ({
  name,
  where: ({ internet }) => internet,
  ...forward('inet provider', `oifname "hub0" ${rules}`),
  who: 'provider',
  said,
})

const PASSED = /none of WireGuard’s handshakes.*, though they pass every router before it/

export const BY_PROVIDER: readonly LabSituation[] = [
  byProvider('provider: the port', 'udp dport 51820 drop;'),
  byProvider('provider: the port, and pings', 'meta l4proto { udp, icmp } drop;'),
  { ...byProvider('provider: all UDP of IPv6', 'meta l4proto udp drop;', /to 2001:db8:/), overIPv6: true },
  {
    ...byProvider('provider: the port of IPv6, and pings', 'meta l4proto { udp, ipv6-icmp } drop;', /to 2001:db8:/),
    // Neighbours are found by ICMPv6, within the network alone.
    overIPv6: true,
  },
  byProvider('provider: handshakes', `${HANDSHAKES} drop;`, PASSED),
  byProvider('provider: handshakes, and pings', `meta l4proto icmp drop; ${HANDSHAKES} drop;`, PASSED),
  byProvider('provider: all but one address', 'ip saddr != 198.18.0.20 udp dport 51820 drop;'),
  byProvider('provider: all but the registrar', 'tcp dport != 51820 drop; oifname "hub0" meta l4proto != tcp drop;'),
  byProvider('provider: it rejects', 'udp dport 51820 reject with icmpx type admin-prohibited;'),
  {
    ...byProvider('provider: as they leave its last router', ''),
    ...table('inet provider', 'filter hook postrouting priority 0', 'oifname "hub0" udp dport 51820 drop;'),
  },
]

const atVps = (name: string, said: RegExp, change: Pick<LabSituation, 'breaks' | 'mends'>): LabSituation => ({
  name,
  where: ({ hub }) => hub,
  ...change,
  who: 'vps',
  said,
})

export const BY_VPS: readonly LabSituation[] = [
  atVps('nftables by the wiki: the last rule goes to a chain that rejects', /chain rejects, "reject" drops them/, {
    breaks: nft(`table inet filter {
  chain input { type filter hook input priority 0; policy accept; iifname "lo" accept; tcp dport 51820 accept; ct state established accept; jump rejects; }
  chain rejects { reject; }
}`),
    mends: 'nft delete table inet filter',
  }),
  atVps('ct state vmap', /table inet stateful, chain it, .*new : drop/, {
    breaks: nft(
      'table inet stateful { chain it { type filter hook prerouting priority 10; policy accept; meta l4proto udp ct state vmap { established : accept, related : accept, new : drop }; }; }',
    ),
    mends: 'nft delete table inet stateful',
  }),
  atVps('the old tunnel’s DNAT', /chain PREROUTING, ".*dnat to 10\.0\.0\.2" leads them to "10\.0\.0\.2/, {
    breaks: 'iptables -t nat -A PREROUTING -i eth0 -p udp -j DNAT --to-destination 10.0.0.2',
    mends: 'iptables -t nat -F PREROUTING',
  }),
  atVps('iptables-legacy', /table iptables-legacy raw, chain PREROUTING, "-p udp -m udp --dport 51820 -j DROP"/, {
    breaks: 'iptables-legacy -t raw -A PREROUTING -p udp --dport 51820 -j DROP',
    mends: 'iptables-legacy -t raw -F PREROUTING',
  }),
  atVps(
    'handshakes alone',
    /table ip mangles, chain it, "udp length 156/,
    table('ip mangles', 'filter hook prerouting priority -150', `${HANDSHAKES} drop;`),
  ),
  atVps(
    'before tracking',
    /table ip raws, chain it, "udp dport 51820 drop"/,
    table('ip raws', 'filter hook prerouting priority -300', 'udp dport 51820 drop;'),
  ),
  atVps(
    'a redirect to another program',
    /table ip led, chain it, "udp dport 51820 redirect to :53/,
    table('ip led', 'nat hook prerouting priority -100', 'udp dport 51820 redirect to :53;'),
  ),
  atVps(
    'answers on their way out',
    /stops its answers: table ip outward, chain it, "udp sport 51820/,
    table('ip outward', 'filter hook output priority 0', 'udp sport 51820 drop;'),
  ),
  atVps(
    'answers behind the routing',
    /stops its answers: table ip behind, chain it, "udp sport 51820/,
    table('ip behind', 'filter hook postrouting priority 0', 'udp sport 51820 drop;'),
  ),
  atVps('IPv6 alone', /table ip6 newer, chain it, "udp dport 51820 drop"/, {
    ...table('ip6 newer', 'filter hook prerouting priority -300', 'udp dport 51820 drop;'),
  }),
].map((one) => (one.name === 'IPv6 alone' ? { ...one, overIPv6: true } : one))

const pi = ({ home }: Picture): Host => home.pi
const router = ({ home }: Picture): Host => home.router

export const BY_HOME: readonly LabSituation[] = [
  {
    name: 'the Pi’s firewall: the port',
    where: pi,
    ...table('ip own', 'filter hook output priority 0', 'udp dport 51820 drop;'),
    who: 'home',
    said: /table ip own, chain it, "udp dport 51820 drop"|refuses to send/,
  },
  {
    name: 'the Pi’s firewall: handshakes',
    where: pi,
    ...table('ip own', 'filter hook output priority 0', 'udp length 156 drop;'),
    who: 'home',
    said: /table ip own, chain it, "udp length 156 drop"/,
  },
  {
    name: 'the Pi’s firewall: answers',
    where: pi,
    ...table('ip own', 'filter hook input priority 0', 'udp sport 51820 drop;'),
    who: 'home',
    said: /answers come to this machine, and its own firewall stops them: table ip own/,
  },
  {
    name: 'no route to the hub for UDP',
    where: pi,
    breaks: 'ip rule add pref 5 to 203.0.113.10 ipproto udp unreachable',
    mends: 'ip rule del pref 5',
    who: 'home',
    said: /cannot send to the hub/,
  },
  {
    name: 'the home’s router: the port',
    where: router,
    ...forward('ip parental', 'udp dport 51820 drop;'),
    who: 'line',
    said: /192\.168\.1\.1, router 1, and no farther/,
  },
  {
    name: 'the home’s router: the port, before it reports',
    where: router,
    ...table('ip parental', 'filter hook prerouting priority -300', 'udp dport 51820 drop;'),
    who: 'line',
    said: /no router reports them, where connections sent right behind them get to 192\.168\.1\.1, router 1/,
  },
  {
    name: 'the home’s router: the port of IPv6',
    overIPv6: true,
    where: router,
    ...forward('ip6 parental', 'udp dport 51820 drop;'),
    who: 'line',
    said: /router 1, and no farther/,
  },
  {
    name: 'the carrier: all UDP',
    where: ({ carrier }) => carrier.host,
    ...forward('ip inspects', 'ip daddr 203.0.113.10 meta l4proto udp drop;'),
    who: 'line',
    said: /100\.64\.1\.1, router 2, and no farther/,
  },
  {
    name: 'the carrier: handshakes',
    where: ({ carrier }) => carrier.host,
    ...forward('ip inspects', `${HANDSHAKES} drop;`),
    who: 'line',
    said: /none of WireGuard’s handshakes.*; they get to 100\.64\.1\.1, router 2, and no farther/,
  },
  {
    name: 'the Pi’s key is another one',
    where: pi,
    breaks: 'wg showconf hw0 > /run/before.conf; wg genkey > /run/other.key; wg set hw0 private-key /run/other.key',
    mends: 'wg setconf hw0 /run/before.conf',
    who: 'hub',
    said: /does not answer them: it has another key of this home/,
  },
]

/** Nobody can know it, and nobody is named. */
export const BY_ANYBODY: readonly LabSituation[] = [
  {
    name: 'a carrier that drops the port and sets TTLs anew',
    where: ({ carrier }) => carrier.host,
    breaks: nft(`table ip resets {
  chain anew { type filter hook prerouting priority 0; policy accept; ip saddr 100.64.0.0/10 ip ttl set 64; }
  chain forward { type filter hook forward priority 0; policy accept; udp dport 51820 drop; }
}`),
    mends: 'nft delete table ip resets',
    who: 'between',
    said: /nothing here tells which/,
  },
  {
    name: 'the provider drops the port, and routers report nothing',
    where: ({ internet }) => internet,
    breaks: nft(`table ip silent {
  chain out { type filter hook output priority 0; policy accept; icmp type time-exceeded drop; }
  chain forward { type filter hook forward priority 0; policy accept; oifname "hub0" udp dport 51820 drop; icmp type time-exceeded drop; }
}`),
    mends: 'nft delete table ip silent',
    who: 'between',
    said: /nothing here tells which/,
  },
]
