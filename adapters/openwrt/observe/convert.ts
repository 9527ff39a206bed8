import { parsePublicKey } from '../../../wireguard/keys.ts'
import type { InterfaceState, PeerState } from '../../../wireguard/dump.ts'
import { parseEndpoint } from '../../../wireguard/spec.ts'
import type { ObservedInterface } from '../../observation.ts'
import { networkOf } from '../../../net/prefix.ts'
import { AS_EVERY_ROUTER } from '../../router/as-every-router.ts'
import { answersIn, foreignMarks } from '../include/answers.ts'
import { unconfirmedApply } from '../uci/luci-apply.ts'
import { foreignNetworks, pendingChanges } from './clashes.ts'
import { configuredInterface, keyIn } from '../uci/configured.ts'
import type { Look } from './look.ts'
import type { OpenwrtObservation, Uplink } from './observation.ts'
import { isInterface, PRIVATE_KEY, type Section, tunnelOf } from '../uci/sections.ts'
import { isLoaded, parseRules } from './loaded-firewall.ts'
import { parseShow } from '../uci/uci-text.ts'
import { warningsOf } from './warnings.ts'

/** The router's output as an observation. Pure. */

/**
 * Converts a look.
 * @param nowSeconds by our clock, since 1970: the router's may be off.
 * @throws {SyntaxError} on unforeseen output, which must not be taken for an empty router.
 */
export function toObservation({ part }: Look, nowSeconds: number): OpenwrtObservation {
  const routerNow = count(part('now').trim(), 'the time')
  const sections = withPublicKeys(
    [...parseShow('network', part('network')), ...parseShow('firewall', part('firewall'))],
    part('key'),
  )
  const own = sections.filter((section) => isInterface(section) && tunnelOf(section) === section.name)
  const names = own.map(({ name }) => name)
  const firewall = sections.filter((section) => section.config === 'firewall' && tunnelOf(section) !== null)
  const devices = devicesIn(part('links'))
  const live = names.flatMap((name) => liveInterface(name, part, { nowSeconds, routerNow }) ?? [])
  const uplink = uplinkIn(part('interfaces'))
  const foreign = foreignNetworks(sections, part('routes'))
  const loaded = parseRules(part('nft'))
  const includes = includesIn(part('includes'))
  return {
    ...AS_EVERY_ROUTER,
    interfaces: names.map((name) => live.find((one) => one.name === name) ?? configuredInterface(name, sections)),
    remains: remains(names, sections),
    foreignInterfaces: [...foreignNames(sections), ...devices.filter((name) => !isOurDevice(name, sections))],
    firewall:
      firewall.length === 0
        ? null
        : firewall.map((section) => JSON.stringify([section.name, section.type, section.options])),
    clashes: [...pendingChanges(part('changes')), ...unconfirmedApply(part('luci'))],
    warnings: warningsOf({ routerNow, nowSeconds, sections, uplink }),
    live: live.map(({ name }) => name),
    devices,
    firewalled: names.filter((name) => isLoaded(name, sections, loaded)),
    sections,
    foreignNetworks: foreign,
    includes,
    visitors: answersIn(
      sections,
      part('answers'),
      live.map(({ name }) => name),
    ),
    strictReversePath: strictIn(part('reverse'), names),
    foreignMarks: foreignMarks(sections, part('answers')),
    networks: [
      ...connectedNetworks(part('addresses'), names),
      ...foreign.map(({ prefix }) => ({ interface: null, prefix })),
    ],
    uplink,
    tools: {
      hasWg: /\/wg$/m.test(part('tools')),
      hasHandler: /^wireguard\./m.test(part('tools')),
      knowsProtocol: part('handlers').includes('wireguard'),
    },
  }
}

/** Tunnels with strict filtering of forged sources: of an interface and `all` the higher value counts (ip-sysctl). */
function strictIn(listing: string, names: readonly string[]): readonly string[] {
  const values = new Map([...listing.matchAll(/^(\S+) (\d)$/gm)].map(([, name = '', value]) => [name, Number(value)]))
  return names.filter((name) => Math.max(values.get(name) ?? 0, values.get('all') ?? 0) === 1)
}

/** Files in lines such as `e3b0…  /etc/nftables.d/homeward-hw0-0123456789ab.inc`. */
function includesIn(sums: string): OpenwrtObservation['includes'] {
  return [...sums.matchAll(/^([0-9a-f]{64}) [ *](\S+)$/gm)].map(([, sha256 = '', path = '']) => ({ path, sha256 }))
}

/** The networks that the router is on. @param addresses `ip -4 -o addr show` @param own our interfaces, left out. */
function connectedNetworks(addresses: string, own: readonly string[]): OpenwrtObservation['networks'] {
  return addresses.split('\n').flatMap((line) => {
    const [, name, address] = /^\d+: (\S+) +inet (\d+\.\d+\.\d+\.\d+\/\d+) /.exec(line) ?? []
    if (name === undefined || address === undefined || name === 'lo' || own.includes(name)) return []
    return [{ interface: name, prefix: networkOf(address) }]
  })
}

/** Sections with the keys that the router's shell shows: public halves, or none. @param keys a line each: `hw0 KEY`. */
function withPublicKeys(sections: readonly Section[], keys: string): readonly Section[] {
  const shown = new Map(
    keys.split('\n').map((line): readonly [string, string] => {
      const [name = '', key = ''] = line.split(' ')
      return [name, key]
    }),
  )
  return sections.map((section) => {
    const key = isInterface(section) ? shown.get(section.name) : undefined
    if (key === undefined || section.options[PRIVATE_KEY] === undefined) return section
    return { ...section, options: { ...section.options, [PRIVATE_KEY]: key } }
  })
}

/** The uplink in `network.interface dump`: the first with a default route; routes under `inactive` do not count. */
function uplinkIn(json: string): Uplink | null {
  const { interface: all } = JSON.parse(json) as { readonly interface?: unknown }
  if (!Array.isArray(all)) throw new SyntaxError('the router does not say what interfaces it has')
  for (const one of all as Record<string, unknown>[]) {
    const { interface: name, route: routes, 'ipv4-address': addresses } = one
    if (!Array.isArray(routes) || typeof name !== 'string') continue
    if (!(routes as Record<string, unknown>[]).some(({ target, mask }) => target === '0.0.0.0' && mask === 0)) continue
    const [first] = Array.isArray(addresses) ? (addresses as Record<string, unknown>[]) : []
    return { interface: name, address: typeof first?.['address'] === 'string' ? first['address'] : null }
  }
  return null
}

interface Times {
  readonly nowSeconds: number
  readonly routerNow: number
}

/** An interface as the kernel has it; null where the device is no WireGuard one. */
function liveInterface(name: string, part: Look['part'], times: Times): ObservedInterface | null {
  const link = linkOf(name, part('links'))
  const rows = part('wg')
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([device]) => device === name)
  const [first] = rows.filter((row) => row.length === 5)
  if (first === undefined || link === null) return null
  const addresses = addressesOf(name, part('addresses'))
  const routes = devRoutes(name, part('routes'))
  return {
    name,
    ...interfaceState(
      first,
      rows.filter((row) => row.length === 9),
      times,
    ),
    up: link.up,
    mtu: link.mtu,
    addresses,
    cutOff: link.up
      ? addresses.filter((address) => !routes.includes(networkOf(address)) && !address.endsWith('/32'))
      : [],
    routes: routes
      .filter((prefix) => !addresses.some((address) => networkOf(address) === prefix))
      .map((prefix) => ({ prefix, mtu: null })),
  }
}

function interfaceState(
  [, , publicKey = '', listenPort = '']: readonly string[],
  peers: readonly (readonly string[])[],
  times: Times,
): InterfaceState {
  return {
    publicKey: keyIn(publicKey),
    listenPort: count(listenPort, 'a listen port'),
    fwmark: 0,
    peers: peers.map((row) => toPeer(row, times)),
  }
}

function toPeer(row: readonly string[], { nowSeconds, routerNow }: Times): PeerState {
  const [, publicKey = '', , endpoint = '', allowed = '', handshake = '', rx = '', tx = '', keepalive = ''] = row
  const at = count(handshake, 'a handshake')
  return {
    publicKey: parsePublicKey(publicKey),
    // A preshared key is never given, and never shown.
    presharedKeyId: null,
    endpoint: parseEndpoint(endpoint),
    allowedIps: allowed === '' || allowed === '(none)' ? [] : allowed.split(','),
    // Both times are the router's; a clock that was set back makes no handshake in the future.
    lastHandshakeAt: at === 0 ? null : nowSeconds - Math.max(0, routerNow - at),
    rxBytes: count(rx, 'received bytes'),
    txBytes: count(tx, 'sent bytes'),
    keepaliveSeconds: keepalive === 'off' ? 0 : count(keepalive, 'a keepalive'),
  }
}

/** Names of tunnels without their interface, of which something is left. */
function remains(names: readonly string[], sections: readonly Section[]): readonly string[] {
  const tunnels = sections.filter(({ config }) => config === 'network').flatMap((section) => tunnelOf(section) ?? [])
  return [...new Set(tunnels)].filter((name) => !names.includes(name))
}

/** Whether a device is of a tunnel of ours, also where only its interface's section was deleted. */
function isOurDevice(name: string, sections: readonly Section[]): boolean {
  return sections.some((section) => tunnelOf(section) === name)
}

function foreignNames(sections: readonly Section[]): readonly string[] {
  return sections
    .filter((section) => section.config === 'network' && tunnelOf(section) === null)
    .map(({ name }) => name)
}

/** The addresses in lines such as `6: hw0    inet 10.86.0.2/16 scope global hw0`. */
function addressesOf(name: string, addresses: string): readonly string[] {
  return addresses.split('\n').flatMap((line) => {
    const [, device, address] = /^\d+: (\S+) +inet (\S+)/.exec(line) ?? []
    if (device !== name || address === undefined) return []
    return [address.includes('/') ? address : `${address}/32`]
  })
}

function devicesIn(links: string): readonly string[] {
  return [...links.matchAll(/^\d+: ([^:@\s]+)/gm)].map(([, name = '']) => name)
}

interface Link {
  readonly up: boolean
  readonly mtu: number
}

/** The link in a line such as `6: hw0: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1420 …`. */
function linkOf(name: string, links: string): Link | null {
  const line = links.split('\n').find((one) => new RegExp(`^\\d+: ${name}(@\\S+)?: `).test(one))
  const [, flags, mtu] = /<([^>]*)> mtu (\d+)/.exec(line ?? '') ?? []
  if (flags === undefined || mtu === undefined) return null
  return { up: flags.split(',').includes('UP'), mtu: Number(mtu) }
}

function devRoutes(name: string, routes: string): readonly string[] {
  return routes.split('\n').flatMap((line) => {
    const [, prefix, device] = /^(\d+\.\d+\.\d+\.\d+(?:\/\d+)?)(?: via \S+)? dev (\S+)/.exec(line) ?? []
    if (prefix === undefined || device !== name) return []
    return [prefix.includes('/') ? prefix : `${prefix}/32`]
  })
}

function count(word: string, what: string): number {
  if (!/^\d+$/.test(word)) throw new SyntaxError(`the router gives no number for ${what}`)
  return Number(word)
}
