import type { Family } from '../../../net/address.ts'
import { canonicalPrefix, contains } from '../../../net/prefix.ts'
import type { TunnelNeed } from './tunnel-needs.ts'
import { slotMark } from '../routing/slots.ts'

/** The first packet of a new connection that the tunnel needs, as far as it is known. */
export interface NeededPacket {
  readonly need: TunnelNeed
  readonly family: Family
  readonly tunnel: string
  /** The tunnel's network, canonical CIDR. */
  readonly network: string
}

export type Truth = 'yes' | 'no' | 'maybe'

/** Whether what an nft match looks at is `right`: one value, or any of several (libnftables-json(5)). Pure. */
export function isSame(left: unknown, right: unknown, packet: NeededPacket): Truth {
  return lacks(left, packet) ? 'no' : anyOf(valuesIn(right).map((value) => isValue(left, value, packet)))
}

/** The same for `!=`. A rule about a header that the packet lacks does not match either. */
export function isOther(left: unknown, right: unknown, packet: NeededPacket): Truth {
  return lacks(left, packet) ? 'no' : NOT[isSame(left, right, packet)]
}

/** Names of the interfaces that any expression in it looks for; `eth*` becomes one such name. */
export function interfacesIn(content: unknown): readonly string[] {
  if (typeof content !== 'object' || content === null) return []
  const [left, right] = [part(content, 'left') ?? part(content, 'key'), part(content, 'right') ?? part(content, 'data')]
  if (!['iif', 'iifname', 'oif', 'oifname'].includes(String(part(part(left, 'meta'), 'key'))))
    return Object.values(content).flatMap(interfacesIn)
  return valuesIn(right)
    .map((value) => (Array.isArray(value) ? value[0] : value))
    .flatMap((value) => (typeof value === 'string' && !value.startsWith('@') ? [value.replace('*', '0')] : []))
}

const NOT = { yes: 'no', no: 'yes', maybe: 'maybe' } as const

function anyOf(truths: readonly Truth[]): Truth {
  if (truths.includes('yes')) return 'yes'
  return truths.includes('maybe') ? 'maybe' : 'no'
}

function valuesIn(right: unknown): readonly unknown[] {
  if (Array.isArray(right)) return right
  const set = part(right, 'set')
  return Array.isArray(set) ? set : [right]
}

/** Whether the packet lacks the header: one of another protocol, or of the other family. */
function lacks(left: unknown, { need, family }: NeededPacket): boolean {
  const header = part(part(left, 'payload'), 'protocol')
  if (header === 'ip' || header === 'icmp') return family !== 'ipv4' || (header === 'icmp' && isNot(need, 'icmp'))
  if (header === 'ip6') return family !== 'ipv6'
  if (header === 'th') return need.protocol === 'icmp'
  return typeof header === 'string' && header !== 'ether' && isNot(need, header)
}

function isNot({ protocol }: TunnelNeed, header: string): boolean {
  return protocol !== null && protocol !== header
}

function isValue(left: unknown, value: unknown, packet: NeededPacket): Truth {
  const { need, family } = packet
  const [meta, ct] = [part(part(left, 'meta'), 'key'), part(part(left, 'ct'), 'key')]
  const field = part(part(left, 'payload'), 'field')
  if (meta === 'iifname' || meta === 'iif') return isName(need.from, value)
  if (meta === 'oifname' || meta === 'oif') return isName(need.to, value)
  if (meta === 'nfproto') return exactly(family, value)
  if (meta === 'l4proto' || field === 'protocol') return exactly(need.protocol, value)
  if (ct === 'state') return exactly('new', value)
  if (field === 'dport') return isPort(need.port, value)
  if (field === 'saddr' && family === 'ipv4') return isSource(packet, value)
  const mark = need.visitorSlot === null ? null : slotMark(need.visitorSlot)
  return mark !== null && isMarkUnder(mark.mask, left) ? exactly(mark.mark, value) : 'maybe'
}

/** Compares a value of the packet. @param known null: unknown. */
function exactly(known: string | number | null, value: unknown): Truth {
  if (known === null || typeof value === 'object') return 'maybe'
  if (typeof value === 'string' && value.startsWith('@')) return 'maybe'
  return known === value ? 'yes' : 'no'
}

function isName(name: string | null, value: unknown): Truth {
  if (name !== null && typeof value === 'string' && value.endsWith('*'))
    return name.startsWith(value.slice(0, -1)) ? 'yes' : 'no'
  return exactly(name, value)
}

function isPort(port: number | null, value: unknown): Truth {
  const range = part(value, 'range')
  if (!Array.isArray(range) || port === null) return exactly(port, value)
  const [first, last] = range.map(Number)
  return first !== undefined && last !== undefined && first <= port && port <= last ? 'yes' : 'no'
}

/** Compares the source. Input from the tunnel is from its network, except visitors, who never are. */
function isSource({ need, tunnel, network }: NeededPacket, value: unknown): Truth {
  const prefix = prefixOf(value)
  if (prefix === null || need.from !== tunnel) return 'maybe'
  if (need.notFrom !== null) return contains(need.notFrom, prefix) ? 'no' : 'maybe'
  if (need.hook !== 'input') return 'maybe'
  if (need.visitorSlot !== null) return contains(network, prefix) ? 'no' : 'maybe'
  if (contains(prefix, network)) return 'yes'
  return contains(network, prefix) ? 'maybe' : 'no'
}

function prefixOf(value: unknown): string | null {
  const [addr, len] = [part(part(value, 'prefix'), 'addr'), part(part(value, 'prefix'), 'len')]
  const text = typeof value === 'string' ? `${value}/32` : `${String(addr)}/${String(len)}`
  return canonicalPrefix(text)
}

function isMarkUnder(wantedMask: number, left: unknown): boolean {
  const [of, mask] = [part(left, '&')].flat()
  return part(part(of, 'ct'), 'key') === 'mark' && mask === wantedMask
}

function part(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? (of as Record<string, unknown>)[name] : undefined
}
