import ipaddr from 'ipaddr.js'

/** `10.86.0.2/16` becomes `10.86.0.0/16`. */
export function networkOf(address: string): string {
  return `${ipaddr.IPv4.networkAddressFromCIDR(address).toString()}/${address.split('/')[1]}`
}

/** Whether the outer prefix holds the whole inner one. What is no IPv4 prefix is in none. */
export function holds(outer: string, inner: string): boolean {
  if (!ipaddr.IPv4.isValidCIDR(outer) || !ipaddr.IPv4.isValidCIDR(inner)) return false
  const [address, length] = ipaddr.IPv4.parseCIDR(inner)
  const [outerAddress, outerLength] = ipaddr.IPv4.parseCIDR(outer)
  return length >= outerLength && address.match(outerAddress, outerLength)
}

export function overlap(a: string, b: string): boolean {
  return holds(a, b) || holds(b, a)
}

/** Whether an address lies in one of the prefixes. A host name lies in none. */
export function isIn(address: string, prefixes: readonly string[]): boolean {
  return ipaddr.IPv4.isValid(address) && prefixes.some((prefix) => holds(prefix, `${address}/32`))
}

/** One spelling for each address: RouterOS prints IPv6 as RFC 5952 says, whatever it was given. */
export function oneSpelling(address: string): string {
  return ipaddr.IPv6.isValid(address) ? ipaddr.IPv6.parse(address).toRFC5952String() : address
}
