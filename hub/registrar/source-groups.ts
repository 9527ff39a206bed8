import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Addresses that one subscriber may have, as a key, and how many times what an address may have they may have together. */
export interface Group {
  readonly key: string
  readonly factor: number
}

/** What providers give a subscriber: a /64 at least, and up to a /48 (RFC 6177, 2). */
const IPV6_GROUPS = [
  { bits: 64, factor: 1 },
  { bits: 56, factor: 4 },
  { bits: 48, factor: 16 },
] as const

/** The groups of an address, the smallest first. */
export function groupsOf(address: string): readonly Group[] {
  if (isIPv4(address) || !ipaddr.isValid(address)) return [{ key: address, factor: 1 }]
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return [{ key: parsed.toString(), factor: 1 }]
  const bytes = parsed.toByteArray()
  return IPV6_GROUPS.map(({ bits, factor }) => ({
    key: `${Buffer.from(bytes.slice(0, bits / 8)).toString('hex')}/${bits}`,
    factor,
  }))
}

/** The source of an address: itself for IPv4, the /64 for IPv6, since whoever has one address there has all. */
export function sourceOf(address: string): string {
  if (isIPv4(address) || !ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return `${parsed.toNormalizedString().split(':').slice(0, 4).join(':')}::/64`
}
