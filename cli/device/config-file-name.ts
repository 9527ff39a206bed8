import { createHash } from 'node:crypto'

/**
 * The names that wg-quick(8) takes for a configuration, since the interface is called so (IFNAMSIZ of linux/if.h, less
 * the zero at the end); Android's app takes the same (Tunnel.NAME_PATTERN).
 */
const TUNNEL_NAME = /^[a-zA-Z0-9_=+.-]{1,15}$/
const LONGEST = 15
const HASH_DIGITS = 4

export function isTunnelName(name: string): boolean {
  return TUNNEL_NAME.test(name)
}

/** A device's name as WireGuard takes it for a file: itself, or its beginning and four digits that keep two apart. */
export function tunnelNameFor(device: string): string {
  if (isTunnelName(device)) return device
  const digits = createHash('sha256').update(device).digest('hex').slice(0, HASH_DIGITS)
  return `${device.slice(0, LONGEST - HASH_DIGITS - 1).replace(/-+$/, '')}-${digits}`
}
