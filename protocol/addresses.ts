import { isIP, isIPv4, isIPv6 } from 'node:net'
import * as v from 'valibot'
import { canonicalPrefix, parsePrefix } from '../net/prefix.ts'
import { parseEndpoint } from '../wireguard/spec.ts'

/** Addresses and prefixes as text, checked and in one spelling, so that two of them can be compared. */

export const PortSchema = v.pipe(
  v.number(),
  v.check((port) => Number.isInteger(port) && port >= 1 && port <= 65_535, 'expected a port from 1 to 65535'),
)

export const Ipv4Schema = v.pipe(v.string(), v.check(isIPv4, 'expected an IPv4 address such as 10.86.0.2'))

/** An IP address literal of either family, in the spelling that sockets print. */
export const LiteralSchema = v.pipe(
  v.string(),
  v.maxLength(64),
  v.check((text) => isIP(text) !== 0, 'expected an IPv4 or IPv6 address'),
)

/** An IPv4 prefix in canonical form. */
export const CidrSchema = v.pipe(
  v.string(),
  v.check((text) => ipv4Prefix(text) !== null, 'expected an IPv4 prefix such as 192.168.1.0/24'),
  v.transform((text) => ipv4Prefix(text) ?? text),
)

/** An address literal with a port; IPv6 in brackets. */
export const LiteralPlaceSchema = v.pipe(
  v.string(),
  v.check(isLiteralPlace, 'expected an address and a port such as 1.1.1.1:443 or [2606:4700:4700::1111]:443'),
)

/** A host name or an address literal. */
export const HostSchema = v.pipe(
  v.string(),
  v.maxLength(253),
  v.check(isHost, 'expected a host name or an address such as vps.example.org or 203.0.113.10'),
)

function isLiteralPlace(text: string): boolean {
  const place = parseEndpoint(text)
  return place !== null && isIP(place.address) !== 0
}

export function isHost(text: string): boolean {
  if (isIPv4(text) || isIPv6(text)) return true
  // RFC 1123, section 2.1; a last label of digits only would be a broken IPv4 address.
  const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
  return text.length <= 253 && new RegExp(`^(?:${label}\\.)*(?!\\d+$)${label}\\.?$`).test(text)
}

/** The IPv4 prefix in canonical form; null when the text is not one, or is /0, which homeward never takes. */
export function ipv4Prefix(text: string): string | null {
  const parsed = parsePrefix(text)
  return parsed?.bits === 32 && parsed.length > 0 ? canonicalPrefix(text) : null
}
