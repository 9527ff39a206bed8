/** A host with its port, in all text that is read or printed: an IPv6 literal in brackets (RFC 3986, 3.2.2). */
export interface HostPort {
  /** A name or a literal, without brackets; a link-local address with its zone, `fe80::1%eth0`. */
  readonly host: string
  readonly port: number
}

/** Host and port as text for people and for `wg`, both of whom take a zone as it is. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * Host and port for the Host field of HTTP (RFC 9110, 7.2). Without the zone, which only this machine understands (RFC
 * 6874, 4), and with a literal in its one spelling (RFC 5952): servers that make a URL of it, as hono's does, refuse
 * any other.
 */
export function hostField(host: string, port: number): string {
  if (!host.includes(':')) return hostPort(host, port)
  return `${new URL(`https://[${host.replace(/%.*$/, '')}]`).hostname}:${port}`
}

/**
 * Reads what hostPort prints; null when the text is something else. The caller checks whether the host is valid. A zone
 * is the name of an interface, such as `br-lan` or `eth0.100` (dev_valid_name in the kernel's net/core/dev.c).
 */
export function parseHostPort(text: string): HostPort | null {
  const match = /^(?:\[([\da-f:.]*:[\da-f:.]*(?:%[!-.0-\\^-~]+)?)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host === undefined || port < 1 || port > 65_535 ? null : { host, port }
}
