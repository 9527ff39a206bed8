import { formatAddress, parseAddress } from './address.ts'

/** IPv4 addresses inside of IPv6 ones, as a NAT64 translates them (RFC 6052, section 2.2). */
export interface Nat64Prefix {
  /** The 16 bytes of an address of it; those of the IPv4 address count for nothing. */
  readonly bytes: readonly number[]
  readonly length: number
}

/** The lengths that a prefix may have, with the usual one first. Byte 8 is left out: it is zero in all but the first. */
const LENGTHS = [96, 64, 56, 48, 40, 32] as const

/** The addresses of ipv4only.arpa, which a DNS64 translates like any others (RFC 7050, section 2.2). */
const WELL_KNOWN = ['192.0.0.170', '192.0.0.171']

/** The prefix of the NAT64 that made this IPv6 address of ipv4only.arpa; null when none did. */
export function nat64PrefixIn(address: string): Nat64Prefix | null {
  const bytes = bytesOf(address)
  if (bytes?.length !== 16) return null
  const length = LENGTHS.find((one) =>
    WELL_KNOWN.includes(
      placesOf(one)
        .map((place) => bytes[place])
        .join('.'),
    ),
  )
  return length === undefined ? null : { bytes, length }
}

/** The address at which a NAT64 translates to this IPv4 address. @throws {TypeError} when it is none. */
export function throughNat64({ bytes, length }: Nat64Prefix, ipv4: string): string {
  const embedded = bytesOf(ipv4)
  if (embedded?.length !== 4) throw new TypeError(`no IPv4 address: ${ipv4.slice(0, 50)}`)
  const translated = bytes.map((byte, place) => (place * 8 < length ? byte : 0))
  for (const [index, place] of placesOf(length).entries()) translated[place] = embedded[index] ?? 0
  return formatAddress({ bits: 128, value: translated.reduce((value, byte) => value * 256n + BigInt(byte), 0n) })
}

/** The places of the IPv4 address's four bytes. */
function placesOf(length: number): readonly number[] {
  return Array.from({ length: 16 }, (_, place) => place)
    .filter((place) => place * 8 >= length && (place !== 8 || length === 96))
    .slice(0, 4)
}

function bytesOf(address: string): readonly number[] | null {
  const parsed = parseAddress(address)
  if (parsed === null) return null
  const { bits, value } = parsed
  return Array.from({ length: bits / 8 }, (_, place) => Number((value >> BigInt(bits - 8 * (place + 1))) & 255n))
}
