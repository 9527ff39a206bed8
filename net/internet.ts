/** Prefixes to which nothing that leaves by a hub, or by a home's line for others, goes, whatever else is agreed. */
export const NOT_INTERNET: readonly string[] = [
  // Private networks (RFC 1918), a carrier's (RFC 6598), and a link's, where providers keep passwords (RFC 3927).
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  // This host, and loopback (RFC 6890).
  '0.0.0.0/8',
  '127.0.0.0/8',
  // Protocol assignments (RFC 6890), one of which Oracle's machines ask for their own data.
  '192.0.0.0/24',
  // Multicast, and what is reserved (RFC 5771, RFC 1112).
  '224.0.0.0/3',
  // What Azure's machines know of themselves, at a public address.
  '168.63.129.16/32',
]

/** This host, the networks of a home, of a link and of groups (RFC 4193, RFC 4291). */
export const NOT_INTERNET_IPV6: readonly string[] = ['::1/128', 'fc00::/7', 'fe80::/10', 'ff00::/8']
