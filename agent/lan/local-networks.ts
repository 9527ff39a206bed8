import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { ipv4Prefix } from '../../protocol/addresses.ts'

/** The IPv4 networks this machine is on. */
export interface LocalNetworks {
  readonly connected: readonly ConnectedNetwork[]
  /** The interface of the default route; null without one. */
  readonly defaultInterface: string | null
}

interface ConnectedNetwork {
  readonly interface: string
  readonly prefix: string
}

/** Reads the networks without starting a program. @param except our own interface, whose network is no news. */
export async function readLocalNetworks(except: string): Promise<LocalNetworks> {
  const connected = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? [])
      .filter((address) => address.family === 'IPv4' && !address.internal && name !== except)
      .flatMap(({ cidr }) => {
        const prefix = cidr === null ? null : ipv4Prefix(cidr)
        return prefix === null ? [] : [{ interface: name, prefix }]
      }),
  )
  return { connected, defaultInterface: defaultInterface(await readFile('/proc/net/route', 'utf8').catch(() => '')) }
}

/**
 * Reads /proc/net/route (Linux: net/ipv4/fib_trie.c, fib_route_seq_show): tab-separated, addresses in hexadecimal,
 * Destination in column 2, Metric in 7, Mask in 8. The default route with the lowest metric is the one in use.
 */
export function defaultInterface(text: string): string | null {
  const [, ...lines] = text.split('\n').map((line) => line.trim().split(/\s+/))
  const defaults = lines
    .filter(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000')
    .sort((a, b) => Number(a[6]) - Number(b[6]))
  return defaults[0]?.[0] ?? null
}
