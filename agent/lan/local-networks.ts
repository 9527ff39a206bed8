import { readFile } from 'node:fs/promises'
import { connectedNetworks, type MachineNetwork, readMachineNetworks } from '../../system/network/machine-networks.ts'
import type { Clock } from '../../system/time/clock.ts'

/** The IPv4 networks that this machine is on, and by which of its interfaces it reaches all others. */
export interface OwnNetworks {
  readonly connected: readonly ConnectedNetwork[]
  /** The interface of the default route: of IPv6's, on a line without IPv4; null without one. */
  readonly defaultInterface: string | null
}

/** The same, and the IPv4 networks that this machine has routes to. */
export interface LocalNetworks extends OwnNetworks {
  /** Networks of routes: behind other routers than the default one, or in another tunnel. */
  readonly routed: readonly MachineNetwork[]
}

interface ConnectedNetwork {
  readonly interface: string
  readonly prefix: string
}

/** Reads the networks that this machine is on, without starting a program. Never throws. @param except our own interface. */
export async function readOwnNetworks(except: string): Promise<OwnNetworks> {
  const [routes, routes6] = await Promise.all([
    readMainRoutes(),
    readFile('/proc/net/ipv6_route', 'utf8').catch(() => ''),
  ])
  return {
    connected: connectedNetworks(except),
    defaultInterface: defaultInterface(routes) ?? defaultInterface6(routes6),
  }
}

/** Reads the networks. Never throws. @param except our own interface, whose network is no news. */
export async function readLocalNetworks(except: string): Promise<LocalNetworks> {
  const [own, networks] = await Promise.all([readOwnNetworks(except), readMachineNetworks(except)])
  return { ...own, routed: networks.filter(({ prefix }) => !own.connected.some((one) => one.prefix === prefix)) }
}

/** How long routes of tables other than the main one may be old: reading them starts a program. */
const OTHER_TABLES_MS = 60_000

/** As readLocalNetworks, for whoever asks every few seconds: all is read again when the main routing table changed. */
export function makeLocalNetworks(clock: Pick<Clock, 'now'>, read = readLocalNetworks, main = readMainRoutes) {
  let latest: { readonly at: number; readonly of: string; readonly look: Promise<LocalNetworks> } | null = null
  return async (except: string): Promise<LocalNetworks> => {
    const of = `${except}\n${await main()}`
    if (latest === null || latest.of !== of || clock.now() - latest.at >= OTHER_TABLES_MS)
      latest = { at: clock.now(), of, look: read(except) }
    return await latest.look
  }
}

/** The IPv4 routes of the main table, which has those of all addresses too. */
async function readMainRoutes(): Promise<string> {
  return await readFile('/proc/net/route', 'utf8').catch(() => '')
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

/** Set on routes that refuse packets (RTF_REJECT, linux/route.h), as the one of last resort on lo does. */
const REJECT = 0x0200

/**
 * Reads /proc/net/ipv6_route (Linux: net/ipv6/route.c, rt6_info_route): all in hexadecimal, destination and its length in
 * columns 1 and 2, metric in 6, flags in 9, device in 10.
 */
export function defaultInterface6(text: string): string | null {
  const hex = (digits: string | undefined): number => Number.parseInt(digits ?? '', 16)
  const defaults = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([destination, length]) => destination === '0'.repeat(32) && length === '00')
    .filter((row) => (hex(row[8]) & REJECT) === 0)
    .sort((a, b) => hex(a[5]) - hex(b[5]))
  return defaults[0]?.[9] ?? null
}
