import ipaddr from 'ipaddr.js'
import { NOT_INTERNET } from './internet.ts'
import { isIn } from './prefix.ts'

/**
 * Kinds of addresses that lead to this machine, into its networks or to nobody (IANA's special-purpose registries, RFC
 * 6890), as ipaddr.js names them. Those reserved for documentation and benchmarks are in nobody's network.
 */
const INSIDE: ReadonlySet<string> = new Set([
  'unspecified',
  'broadcast',
  'multicast',
  'linkLocal',
  'loopback',
  'carrierGradeNat',
  'private',
  'uniqueLocal',
  'deprecatedSiteLocal',
  'ipv4Mapped',
  'rfc6145',
  '6to4',
  'teredo',
  'discard',
])

/** Whether an address leads out into the internet, also one that a NAT64 translates (RFC 6052). False for what is no address. */
export function isOnInternet(address: string): boolean {
  if (address.includes('%') || !ipaddr.isValid(address) || isIn(address, NOT_INTERNET)) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'rfc6052') return !INSIDE.has(parsed.range())
  return isOnInternet(parsed.toByteArray().slice(12).join('.'))
}
