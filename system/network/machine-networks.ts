import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import * as v from 'valibot'
import { networkOf, parsePrefix, prefixLength } from '../../net/prefix.ts'
import { runLook } from '../process/look.ts'

/** An IPv4 network to which this machine has a way other than its default route. */
export interface MachineNetwork {
  readonly prefix: string
  readonly interface: string
  /** The gateway of a route; null: hosts of the network are on the interface itself. */
  readonly via: string | null
}

/**
 * Shorter prefixes are shares of the internet: a VPN for everything routes 0.0.0.0/1 and 128.0.0.0/1 (openvpn(8),
 * `redirect-gateway def1`), or all but the private networks.
 */
const SHORTEST = 8

/** The protocol number of homeward's own routes (adapters/linux/firewall/mark.ts). */
const OWN_PROTOCOL = '86'

/** Asks for the routes of all tables: policy routing is how other VPNs and clouds with several interfaces lead networks. */
const ROUTES_QUESTION = ['route', 'show', 'table', 'all', 'type', 'unicast'] as const

const Hop = v.object({ dev: v.optional(v.string()), gateway: v.optional(v.string()) })
const Routes = v.array(
  v.object({
    ...Hop.entries,
    type: v.optional(v.string(), 'unicast'),
    dst: v.optional(v.string()),
    protocol: v.optional(v.string()),
    nexthops: v.optional(v.array(Hop), []),
  }),
)

/**
 * Reads the networks of this machine's interfaces and routes: a private network of a cloud is often a route alone, beside
 * an address without a network (10.0.0.2/32 and 10.0.0.0/16 via 10.0.0.1). Widest first. Never throws.
 * @param except our own interface, whose networks are no news.
 */
export async function readMachineNetworks(except: string): Promise<readonly MachineNetwork[]> {
  return distinct([...connectedNetworks(except), ...(await readRoutedNetworks(except))])
}

/** The networks of all interfaces, without starting a program. */
export function connectedNetworks(
  except: string,
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): readonly MachineNetwork[] {
  return Object.entries(interfaces)
    .filter(([name]) => name !== except)
    .flatMap(([name, addresses = []]) =>
      addresses.flatMap(({ family, internal, cidr }) =>
        family === 'IPv4' && !internal && cidr !== null && prefixLength(cidr) > 0
          ? [{ prefix: networkOf(cidr), interface: name, via: null }]
          : [],
      ),
    )
}

/** Reads the networks of routes. Where `ip` has no JSON (busybox), those of the main table as the kernel lists them. */
async function readRoutedNetworks(except: string): Promise<readonly MachineNetwork[]> {
  try {
    const { stdout } = await runLook('ip', ['-4', '-j', ...ROUTES_QUESTION], { timeoutMs: 2_000 })
    return parseRoutes(stdout, [except])
  } catch {
    return parseProcRoutes(await readFile('/proc/net/route', 'utf8').catch(() => ''), [except])
  }
}

/** Reads the answer of `ip -4 -j` to `ROUTES_QUESTION`. @throws when it is no such answer. */
export function parseRoutes(text: string, except: readonly string[]): readonly MachineNetwork[] {
  const routes = v.parse(Routes, JSON.parse(text.trim() === '' ? '[]' : text))
  return routes.flatMap(({ type, dst, protocol, nexthops, ...single }) => {
    const prefix = dst === undefined ? null : canonical(dst)
    if (prefix === null || type !== 'unicast' || protocol === OWN_PROTOCOL) return []
    return (nexthops.length > 0 ? nexthops : [single]).flatMap(({ dev, gateway }) =>
      dev === undefined || dev === 'lo' || except.includes(dev)
        ? []
        : [{ prefix, interface: dev, via: gateway ?? null }],
    )
  })
}

/** Reads /proc/net/route: addresses are hexadecimal numbers in the machine's byte order (fib_route_seq_show). */
export function parseProcRoutes(text: string, except: readonly string[]): readonly MachineNetwork[] {
  const [, ...lines] = text.split('\n').map((line) => line.trim().split(/\s+/))
  return lines.flatMap(([dev = '', destination = '', gateway = '', flags = '', , , , mask = '']) => {
    // RTF_REJECT (linux/route.h): the route leads nowhere.
    if (mask === '' || dev === '*' || except.includes(dev) || (Number.parseInt(flags, 16) & 0x200) !== 0) return []
    const length = Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length
    const prefix = canonical(`${dotted(destination)}/${length}`)
    if (prefix === null) return []
    return [{ prefix, interface: dev, via: gateway === '00000000' ? null : dotted(gateway) }]
  })
}

/** Words for people: `the network of eth0`, or `a route via 10.0.0.1 (enp7s0)`. */
export function networkText({ interface: name, via }: MachineNetwork): string {
  return via === null ? `a network of ${name}` : `a route via ${via} (${name})`
}

/** One of each prefix, widest first: the widest of several that are in the way says most. */
export function distinct(networks: readonly MachineNetwork[]): readonly MachineNetwork[] {
  const first = new Map<string, MachineNetwork>()
  for (const one of networks) if (!first.has(one.prefix)) first.set(one.prefix, one)
  return [...first.values()].sort((a, b) => prefixLength(a.prefix) - prefixLength(b.prefix))
}

/** A destination in canonical form; null for `default`, and for shares of the internet. */
function canonical(destination: string): string | null {
  // ip leaves out a prefix length that it takes for obvious.
  const parsed = parsePrefix(destination.includes('/') ? destination : `${destination}/32`)
  return parsed?.bits === 32 && parsed.length >= SHORTEST
    ? networkOf(destination.includes('/') ? destination : `${destination}/32`)
    : null
}

function dotted(hexadecimal: string): string {
  const bytes = hexadecimal.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? []
  return (isBigEndian() ? bytes : bytes.reverse()).join('.')
}

function isBigEndian(): boolean {
  return new Uint8Array(new Uint16Array([1]).buffer)[0] === 0
}
