import { lookup } from 'node:dns/promises'
import { isIPv4, isIPv6 } from 'node:net'
import { nat64PrefixIn, throughNat64 } from '../net/nat64.ts'
import { branchSignal } from '../system/time/branch-signal.ts'
import { sleep } from '../system/time/sleep.ts'

/** The name that has no IPv6 address, unless this line's DNS64 makes one: so a NAT64 is found (RFC 7050, section 3). */
export const NAT64_NAME = 'ipv4only.arpa'

/** How long the name is waited for: getaddrinfo cannot be interrupted, and a DNS server that is there answers sooner. */
const RESOLVE_MS = 3_000

/**
 * Addresses at which this line's NAT64 translates to an IPv4 address: what a line without IPv4 can do with a literal
 * (RFC 8305, section 7.1). None where there is no NAT64. Never throws.
 */
export async function nat64Addresses(
  ipv4: string,
  signal: AbortSignal,
  resolve: (name: string) => Promise<readonly string[]> = resolveIpv6,
): Promise<readonly string[]> {
  if (!isIPv4(ipv4)) return []
  const late = branchSignal(signal)
  try {
    const found = resolve(NAT64_NAME).catch(() => [])
    return translatedBy(ipv4, await Promise.race([found, sleep(RESOLVE_MS, late.signal).then(() => [])]))
  } finally {
    late.end()
  }
}

/** @param found what ipv4only.arpa resolves to on this line. */
export function translatedBy(ipv4: string, found: readonly string[]): readonly string[] {
  const prefixes = found.filter(isIPv6).flatMap((address) => nat64PrefixIn(address) ?? [])
  return [...new Set(prefixes.map((prefix) => throughNat64(prefix, ipv4)))]
}

async function resolveIpv6(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true, family: 6 })).map(({ address }) => address)
}
