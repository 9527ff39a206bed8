import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/** The families of addresses, as nftables and ip name them in long. */
export type Family = 'ipv4' | 'ipv6'
export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']

/** An address of either family as a number, for arithmetic. */
export interface Address {
  readonly bits: 32 | 128
  readonly value: bigint
}

/** Reads what inet_pton(3) takes: four decimal numbers without leading zeros, or RFC 4291, section 2.2; else null. */
export function parseAddress(text: string): Address | null {
  // A zone (RFC 4007) belongs to this machine, not to the address.
  if (text.includes('%') || !(isIPv4(text) || isIPv6(text))) return null
  const bytes = ipaddr.parse(text).toByteArray()
  const value = bytes.reduce((number, byte) => number * 256n + BigInt(byte), 0n)
  return { bits: bytes.length === 4 ? 32 : 128, value }
}

/** Prints an address; IPv6 as RFC 5952 writes it. */
export function formatAddress({ bits, value }: Address): string {
  const bytes = Array.from({ length: bits / 8 }, (_, index) => Number((value >> BigInt(bits - 8 * (index + 1))) & 255n))
  const address = ipaddr.fromByteArray(bytes)
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()
}

/** An address in one spelling, with its zone. RouterOS prints IPv6 as RFC 5952 says, whatever it was given. */
export function canonicalAddress(text: string): string {
  const [address = '', ...zone] = text.split('%')
  const parsed = parseAddress(address)
  return parsed === null ? text : [formatAddress(parsed), ...zone].join('%')
}
