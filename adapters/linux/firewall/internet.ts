/** Addresses that are not the internet: RFC 1918, RFC 6598, and where providers keep passwords (RFC 3927). */
const PRIVATE_PREFIXES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16'] as const

/** Others to which nothing of a home has to go by a hub. */
const NEVER_BY_A_HUB = [
  // This host, and loopback (RFC 6890).
  '0.0.0.0/8',
  '127.0.0.0/8',
  // Protocol assignments (RFC 6890), one of which Oracle's machines ask for their own data.
  '192.0.0.0/24',
  // Multicast, and what is reserved (RFC 5771, RFC 1112).
  '224.0.0.0/3',
  // What Azure's machines know of themselves, at a public address.
  '168.63.129.16/32',
] as const

/** As a set of nft. */
export const PRIVATE = `{ ${PRIVATE_PREFIXES.join(', ')} }`

/** Prefixes to which nothing that leaves by a hub goes, whatever else is agreed. */
export const NOT_BY_HUB: readonly string[] = [...PRIVATE_PREFIXES, ...NEVER_BY_A_HUB]

/** This host, the networks of a home, of a link and of groups (RFC 4193, RFC 4291). */
export const NOT_INTERNET_IPV6: readonly string[] = ['::1/128', 'fc00::/7', 'fe80::/10', 'ff00::/8']
