import * as v from 'valibot'

/**
 * A table of the kernel's firewall that stands for a moment and counts which routers report that packets of ours expired
 * (RFC 792, time exceeded; RFC 4443, 3.3) or were refused (destination unreachable). Such a report does not come to a
 * program without rights over raw sockets. Pure.
 */

/** Packets to one place, the first with a TTL of 1, each from a port of its own, by which reports tell them apart. */
export interface Sweep {
  readonly protocol: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
  /** Of this machine, in the order of the TTLs. */
  readonly sourcePorts: readonly number[]
}

interface Family {
  readonly type: 'ipv4_addr' | 'ipv6_addr'
  readonly icmp: string
  readonly from: string
  /** Where the packet that is reported names its protocol and source port: in bits, behind eight bytes of ICMP. */
  readonly protocolAt: number
  readonly sourcePortAt: number
  readonly to: string
  readonly ttl: string
}

/** An IPv4 header without options has 20 bytes with the protocol at 9 (RFC 791), IPv6's 40 with it at 6 (RFC 8200). */
const FAMILIES: Readonly<Record<4 | 6, Family>> = {
  4: {
    type: 'ipv4_addr',
    icmp: 'icmp',
    from: 'ip saddr',
    protocolAt: 64 + 8 * 9,
    sourcePortAt: 64 + 8 * 20,
    to: 'ip daddr',
    ttl: 'ip ttl',
  },
  6: {
    type: 'ipv6_addr',
    icmp: 'icmpv6',
    from: 'ip6 saddr',
    protocolAt: 64 + 8 * 6,
    sourcePortAt: 64 + 8 * 40,
    to: 'ip6 daddr',
    ttl: 'ip6 hoplimit',
  },
}

const PROTOCOL = { tcp: 6, udp: 17 } as const
const SAYS = { expired: 'time-exceeded', refused: 'destination-unreachable' } as const
/** Before every other chain. */
const FIRST = -2_147_483_648
/** The set that comes last: where it is, all that can be made is made. */
const READY = 'ready'

/**
 * Lines for `nft -i`. TTLs of TCP are set here too: Node sets those of UDP sockets alone.
 * @param family of the address of every sweep.
 */
export function hopsTable(table: string, family: 4 | 6, sweeps: readonly Sweep[]): readonly string[] {
  const { type, icmp, from, protocolAt, sourcePortAt, to, ttl } = FAMILIES[family]
  return [
    `add table ${table}`,
    `add chain ${table} in { type filter hook input priority ${FIRST}; policy accept; }`,
    `add chain ${table} out { type filter hook output priority ${FIRST}; policy accept; }`,
    ...sweeps.flatMap(({ protocol, address, port, sourcePorts }) =>
      sourcePorts.flatMap((source, index) => [
        ...Object.entries(SAYS).flatMap(([what, says]) => {
          const set = `${protocol}_${what}_${index + 1}`
          return [
            `add set ${table} ${set} { type ${type}; size 16; flags dynamic; counter; }`,
            `add rule ${table} in ${icmp} type ${says} @th,${protocolAt},8 ${PROTOCOL[protocol]} @th,${sourcePortAt},16 ${source} add @${set} { ${from} counter }`,
          ]
        }),
        ...(protocol === 'tcp'
          ? [`add rule ${table} out ${to} ${address} tcp dport ${port} tcp sport ${source} ${ttl} set ${index + 1}`]
          : []),
      ]),
    ),
    `add set ${table} ${READY} { type ${type}; }`,
  ]
}

/** What a router said of the packets of a sweep with one TTL. */
export interface RouterReport {
  readonly protocol: Sweep['protocol']
  readonly what: keyof typeof SAYS
  readonly ttl: number
  readonly from: string
  /** How often it did. */
  readonly count: number
}

const Listing = v.object({ nftables: v.array(v.record(v.string(), v.unknown())) })
const NamedSet = v.object({ name: v.string(), elem: v.optional(v.array(v.unknown()), []) })
const Element = v.object({
  elem: v.object({ val: v.string(), counter: v.object({ packets: v.number() }) }),
})
const SET = /^(tcp|udp)_(expired|refused)_(\d+)$/

/** Reads what `nft -j list table` prints; null: the table is not complete. */
export function reportsOf(listing: string): readonly RouterReport[] | null {
  const sets = v
    .parse(Listing, JSON.parse(listing))
    .nftables.flatMap((one) => (v.is(NamedSet, one['set']) ? [v.parse(NamedSet, one['set'])] : []))
  if (!sets.some(({ name }) => name === READY)) return null
  return sets.flatMap(({ name, elem }) => {
    const [, protocol, what, ttl] = SET.exec(name) ?? []
    if (protocol === undefined) return []
    return elem.flatMap((one) =>
      v.is(Element, one)
        ? {
            protocol: protocol as RouterReport['protocol'],
            what: what as RouterReport['what'],
            ttl: Number(ttl),
            from: one.elem.val,
            count: one.elem.counter.packets,
          }
        : [],
    )
  })
}
