import { type Address, formatAddress, parseAddress } from './address.ts'

/** Arithmetic of prefixes in CIDR notation (RFC 4632, section 3.1), of both families. */

/** A prefix as numbers. Prefixes are parsed only here, so that no other code does arithmetic on their text. */
export interface Prefix extends Address {
  readonly length: number
}

/** Reads a prefix, with the host's bits as they stand there; null when the text is not one. */
export function parsePrefix(text: string): Prefix | null {
  const [address = '', length = '', ...more] = text.split('/')
  const parsed = parseAddress(address)
  // Two digits may begin with 0, three may not: 024 is octal to some.
  if (parsed === null || more.length > 0 || !/^(?:\d{1,2}|1\d\d)$/.test(length) || Number(length) > parsed.bits)
    return null
  return { ...parsed, length: Number(length) }
}

/** The prefix without host bits: `192.168.1.7/24` becomes `192.168.1.0/24`; null when the text is no prefix. */
export function canonicalPrefix(text: string): string | null {
  const parsed = parsePrefix(text)
  if (parsed === null) return null
  const { bits, value, length } = parsed
  const hostBits = BigInt(bits - length)
  return `${formatAddress({ bits, value: (value >> hostBits) << hostBits })}/${length}`
}

/** The network that an interface's address with its length lies in. @throws {TypeError} when it is neither. */
export function networkOf(address: string): string {
  const network = canonicalPrefix(address)
  if (network === null) throw new TypeError(`no address with a prefix length: ${address.slice(0, 50)}`)
  return network
}

/** The address of an interface without its length: `192.168.1.7/24` becomes `192.168.1.7`. */
export function withoutLength(address: string): string {
  return address.split('/')[0] ?? address
}

/** The number of bits of the network. @throws {TypeError} */
export function prefixLength(prefix: string): number {
  const parsed = parsePrefix(prefix)
  if (parsed === null) throw new TypeError(`no prefix: ${prefix.slice(0, 50)}`)
  return parsed.length
}

/** Whether the outer prefix holds the whole inner one. False for text that is no prefix, or is of the other family. */
export function contains(outer: string, inner: string): boolean {
  const [a, b] = [parsePrefix(outer), parsePrefix(inner)]
  if (a === null || b === null || a.bits !== b.bits || a.length > b.length) return false
  const hostBits = BigInt(a.bits - a.length)
  return a.value >> hostBits === b.value >> hostBits
}

/** Whether two prefixes share an address: then one of them holds the other. */
export function overlaps(a: string, b: string): boolean {
  return contains(a, b) || contains(b, a)
}

/** Whether an address lies in one of the prefixes. A host name lies in none. */
export function isIn(address: string, prefixes: readonly string[]): boolean {
  const host = `${address}/${address.includes(':') ? 128 : 32}`
  return prefixes.some((prefix) => contains(prefix, host))
}
