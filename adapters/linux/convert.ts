import * as v from 'valibot'
import { type InterfaceState, parseDump } from '../../wireguard/dump.ts'
import type { PresharedKey, PublicKey } from '../../wireguard/keys.ts'
import { formatEndpoint, type PeerSpec } from '../../wireguard/spec.ts'
import { networkOf, withoutLength } from '../../net/prefix.ts'
import type { Observation, ObservedInterface, Refusal } from '../observation.ts'
import type { RouteSpec } from '../spec.ts'
import { INTERFACE_MARK } from './firewall/mark.ts'
import { type ListedTable, parseNftTable } from './firewall/nft-list.ts'
import { type DiversionAnswers, diversionOf } from './routing/diversion.ts'
import { exitRoute } from './routing/exit-routes.ts'
import { marksInRules } from './routing/foreign-marks.ts'
import { parsePolicyRules, ROUTE_PROTOCOL } from './routing/policy-rules.ts'
import { ownWays } from './routing/own-ways.ts'
import { replyRoutes } from './routing/reply-routes.ts'
import { type ReversePathFilters, strictTunnels } from './routing/reverse-path.ts'

/** The output and input of ip, wg and nft, converted both ways. Pure. */

/** What the programs said of the machine; null where there is nothing of that kind. */
export interface Replies {
  /** `ip -j -d address show` */
  readonly links: string
  /** `ip -j route show table all` for routes with our mark. */
  readonly routes: string
  /** The same for routes that the kernel made. */
  readonly networks: string
  /** `wg show IFACE dump` of those that answer, by name; interfaces that cannot be ours are not asked. */
  readonly dumps: ReadonlyMap<string, string>
  /** `nft -j list table` */
  readonly table: string | null
  /** Whether the table's text leaves out which ports are published. */
  readonly isWithoutPorts: boolean
  /** /proc/sys/net/ipv4/ip_forward */
  readonly forwarding: string
  /** `ip -j rule show` */
  readonly rules: string
  readonly others: Pick<Observation, 'otherFirewalls' | 'closedFirewalls' | 'foreignMarks'>
  /** The same of IPv6. */
  readonly rulesIpv6: string
  readonly diversion: DiversionAnswers
  /** rp_filter of all interfaces, and of each interface with our mark. */
  readonly reversePathFilter: ReversePathFilters
}

export interface Link {
  readonly name: string
  readonly alias: string | null
  /** The driver: `wireguard`, `tun`, `veth`; null for hardware. */
  readonly kind: string | null
  readonly up: boolean
  readonly mtu: number
  /** IPv4 addresses with prefix length. */
  readonly addresses: readonly string[]
  /** IPv6 addresses with prefix length, but those of the link itself (RFC 4291, 2.5.6). */
  readonly addressesIpv6: readonly string[]
  /** The number of addresses, including IPv6. */
  readonly addressCount: number
}

export interface MarkedRoute extends RouteSpec {
  readonly interface: string
}

const Links = v.array(
  v.object({
    // A filter of ip leaves empty objects for what it filtered out.
    ifname: v.optional(v.string()),
    ifalias: v.optional(v.string()),
    flags: v.optional(v.array(v.string()), []),
    mtu: v.optional(v.number(), 0),
    linkinfo: v.optional(v.object({ info_kind: v.optional(v.string()) })),
    addr_info: v.optional(
      v.array(
        v.object({
          family: v.optional(v.string()),
          local: v.optional(v.string()),
          prefixlen: v.optional(v.number()),
          scope: v.optional(v.string()),
        }),
      ),
      [],
    ),
  }),
)

const Routes = v.array(
  v.object({
    dst: v.optional(v.string()),
    dev: v.optional(v.string()),
    /** The table's name. Default: the main one. */
    table: v.optional(v.string()),
    metrics: v.optional(v.array(v.object({ mtu: v.optional(v.number()) })), []),
  }),
)

export function parseLinks(text: string): readonly Link[] {
  return v.parse(Links, JSON.parse(text)).flatMap((link) => {
    if (link.ifname === undefined) return []
    const addresses = link.addr_info.filter(({ local }) => local !== undefined)
    const inCidr = (some: typeof addresses): readonly string[] =>
      some.map(({ local, prefixlen }) => `${local}/${prefixlen}`)
    return [
      {
        name: link.ifname,
        alias: link.ifalias ?? null,
        kind: link.linkinfo?.info_kind ?? null,
        up: link.flags.includes('UP'),
        mtu: link.mtu,
        addresses: inCidr(addresses.filter(({ family }) => family === 'inet')),
        addressesIpv6: inCidr(addresses.filter(({ family, scope }) => family === 'inet6' && scope !== 'link')),
        addressCount: addresses.length,
      },
    ]
  })
}

/** Routes of the main routing table. */
export function parseRoutes(text: string): readonly MarkedRoute[] {
  return v.parse(Routes, JSON.parse(text)).flatMap(({ dst, dev, table, metrics }) => {
    if (dst === undefined || dev === undefined || (table ?? 'main') !== 'main') return []
    // ip leaves out a prefix length that it takes for obvious.
    const prefix = dst === 'default' ? '0.0.0.0/0' : dst.includes('/') ? dst : `${dst}/32`
    return [{ prefix, mtu: metrics.find(({ mtu }) => mtu !== undefined)?.mtu ?? null, interface: dev }]
  })
}

export function toObservation(replies: Replies): Observation {
  const links = parseLinks(replies.links)
  const table = replies.table === null ? null : parseNftTable(replies.table)
  const [exits, visitors] = [exitRoute(replies.rules, replies.routes), replyRoutes(replies.rules, replies.routes)]
  const marked = links.filter(isMarked)
  return {
    interfaces: marked.flatMap((link) => toInterface(link, replies) ?? []),
    // A marked interface whose WireGuard does not answer us is cleared like a stray and made again: its wireguard-go is
    // just ending, or root started it (in `join`) and the service's user, who may not talk to it, now runs the tunnel.
    remains: marked.filter(({ name }) => !replies.dumps.has(name)).map(({ name }) => name),
    foreignInterfaces: links
      .filter((link) => !isMarked(link) && !isBlank(link, stateOf(link, replies)))
      .map(({ name }) => name),
    ...firewallOf(table, replies.isWithoutPorts),
    forwarding: replies.forwarding.trim() === '1',
    forwardingIsOurs: table?.isOurs === true && table.forwardingWasOff,
    visitors,
    exits,
    strictReversePath: strictTunnels(replies.reversePathFilter),
    diversion: diversionIn(replies, links),
    ownWays: ownWays({ ipv4: replies.rules, ipv6: replies.rulesIpv6 }),
    networks: [],
    ...replies.others,
    foreignMarks: [...marksInRules(parsePolicyRules(replies.rules)), ...replies.others.foreignMarks],
    warnings: replies.isWithoutPorts ? [UNREAD] : [],
    clashes: table?.isOurs === false ? [TABLE_TAKEN] : [],
  }
}

function diversionIn({ diversion }: Replies, links: readonly Link[]): Observation['diversion'] {
  return diversionOf(diversion, (name, family) =>
    links
      .filter((link) => link.name === name)
      .flatMap(({ addresses, addressesIpv6 }) => (family === 'ipv4' ? addresses : addressesIpv6))
      .map((address) => withoutLength(address)),
  )
}

/** Whether an interface has our mark, or may have been left by a crash before it got one: only these are asked. */
export function isCandidate(link: Link): boolean {
  return isMarked(link) || isUntouched(link)
}

export function isMarked({ alias }: Link): boolean {
  return alias === INTERFACE_MARK
}

function stateOf({ name }: Link, { dumps }: Pick<Replies, 'dumps'>): InterfaceState | null {
  const dump = dumps.get(name)
  return dump === undefined ? null : parseDump(dump)
}

function toInterface(link: Link, replies: Replies): ObservedInterface | null {
  const state = stateOf(link, replies)
  if (state === null) return null
  return {
    ...state,
    name: link.name,
    up: link.up,
    mtu: link.mtu,
    addresses: link.addresses,
    cutOff: link.up ? cutOff(link, replies.networks) : [],
    routes: parseRoutes(replies.routes)
      .filter((route) => route.interface === link.name)
      .map(({ prefix, mtu }) => ({ prefix, mtu })),
  }
}

const TABLE_TAKEN: Refusal = {
  code: 'firewall-taken',
  why: 'an nftables table inet homeward that homeward did not make is there already',
}

const UNREAD = 'nft did not say in time which ports are published: they stay as they are until it does'

function firewallOf(
  table: ListedTable | null,
  isWithoutPorts: boolean,
): Pick<Observation, 'firewall' | 'published' | 'replaceable'> {
  if (table?.isOurs !== true) return { firewall: null, published: [], replaceable: [] }
  const { fingerprints: firewall, replaceable } = table
  return { firewall, published: isWithoutPorts ? null : table.published, replaceable }
}

/** Addresses to whose network no route leads into the interface any more. A single address (/32) has no network. */
function cutOff(own: Link, networks: string): readonly string[] {
  const there = parseRoutes(networks).filter((route) => route.interface === own.name)
  return own.addresses.filter(
    (address) => !address.endsWith('/32') && !there.some((route) => route.prefix === networkOf(address)),
  )
}

/**
 * Whether an interface without our mark is a WireGuard one that nobody has configured: what a crash between making and
 * marking leaves behind. Nobody's work is in it, so it may be taken. A single key, peer, address, alias or `up` makes
 * it somebody's.
 */
export function isBlank(link: Link, state: InterfaceState | null): boolean {
  return isUntouched(link) && state?.publicKey === null && state.peers.length === 0 && state.fwmark === 0
}

function isUntouched({ kind, alias, up, addressCount }: Link): boolean {
  return (kind === 'wireguard' || kind === 'tun') && alias === null && !up && addressCount === 0
}

/** Peers as `wg addconf` reads them. Holds secrets: for standard input only. */
export function peersText(peers: readonly PeerSpec[], presharedKeyOf: (peer: PeerSpec) => PresharedKey | null): string {
  return peers.map((peer) => peerText(peer, presharedKeyOf(peer))).join('\n')
}

/** The preshared key that stands for none: linux/wireguard.h, WGPEER_A_PRESHARED_KEY, "all zeros to remove". */
const NO_PRESHARED_KEY = `${'A'.repeat(43)}=`

function peerText(peer: PeerSpec, presharedKey: PresharedKey | null): string {
  return [
    '[Peer]',
    `PublicKey = ${peer.publicKey}`,
    `PresharedKey = ${presharedKey ?? NO_PRESHARED_KEY}`,
    ...(peer.endpoint === null ? [] : [`Endpoint = ${formatEndpoint(peer.endpoint)}`]),
    // A section always replaces its peer's prefixes; without this line the peer has none. An empty line is an error.
    ...(peer.allowedIps.length === 0 ? [] : [`AllowedIPs = ${peer.allowedIps.join(', ')}`]),
    `PersistentKeepalive = ${peer.keepaliveSeconds}`,
    '',
  ].join('\n')
}

/**
 * Arguments of `ip route`. The MTU is not locked: forwarded packets obey it since Linux 5.10 all the same
 * (ip_dst_mtu_maybe_forward in net/ip.h), and what this machine itself sends keeps its DF bit and path discovery.
 */
export function routeArguments(interfaceName: string, { prefix, mtu }: RouteSpec): readonly string[] {
  const lower = mtu === null ? [] : ['mtu', String(mtu)]
  return [prefix, 'dev', interfaceName, 'proto', ROUTE_PROTOCOL, ...lower]
}

/** Arguments of `wg` that remove peers. */
export function removePeersArguments(interfaceName: string, publicKeys: readonly PublicKey[]): readonly string[] {
  return ['set', interfaceName, ...publicKeys.flatMap((key) => ['peer', key, 'remove'])]
}
