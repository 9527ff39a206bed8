import { isKeyText, parsePublicKey, type PublicKey } from '../../wireguard/keys.ts'
import type { InterfaceState, PeerState } from '../../wireguard/dump.ts'
import { parseEndpoint } from '../../wireguard/spec.ts'
import type { ObservedInterface, Refusal, RouteSpec } from '../adapter.ts'
import { networkOf } from '../network.ts'
import type { Look } from './look.ts'
import type { ForeignNetwork, OpenwrtObservation, Uplink } from './observation.ts'
import { zoneName } from './objects.ts'
import { isInterface, list, peerType, PRIVATE_KEY, type Section, text, tunnelOf } from './sections.ts'
import { parseShow } from './uci-text.ts'

/** The router's words as an observation. Pure. */

/** Beyond this its TLS and its handshakes go wrong, and people should know. */
const CLOCK_OFF_SECONDS = 60

/**
 * @param nowSeconds by our clock, since 1970: the router's may be off.
 * @throws {SyntaxError} when it says what nobody foresaw: it must not be taken for an empty router.
 */
export function toObservation(name: string, { part }: Look, nowSeconds: number): OpenwrtObservation {
  const routerNow = count(part('now').trim(), 'the time')
  const sections = withPublicKey(
    name,
    [...parseShow('network', part('network')), ...parseShow('firewall', part('firewall'))],
    part('key').trim(),
  )
  const live = liveInterface(name, part, { nowSeconds, routerNow })
  const own = sections.find((section) => isInterface(section) && section.name === name && tunnelOf(section) === name)
  const firewall = sections.filter(
    ({ config, ...rest }) => config === 'firewall' && tunnelOf({ config, ...rest }) !== null,
  )
  const pending = part('changes')
    .trim()
    .split('\n')
    .filter((line) => line !== '')
  const uplink = uplinkIn(part('interfaces'))
  const isRoot = part('id').trim() === '0'
  return {
    interface: own === undefined ? null : (live ?? configuredInterface(name, sections)),
    strayInterfaces: strays(name, sections),
    firewall:
      firewall.length === 0
        ? null
        : firewall.map((section) => JSON.stringify([section.name, section.type, section.options])),
    // A router forwards; its owner may turn that off, but not we.
    forwarding: true,
    forwardingIsOurs: false,
    clashes: [...(own === undefined ? takenBy(name, sections, part('links')) : []), ...pendingChanges(pending)],
    warnings: [
      ...clockWarning(routerNow, nowSeconds),
      ...flowOffloadWarning(sections),
      ...(uplink === null ? [NO_UPLINK] : []),
    ],
    isLive: live !== null,
    isDeviceThere: linkOf(name, part('links')) !== null,
    isFirewallLive: part('nft').includes(`"${name}"`),
    sections,
    foreignNetworks: foreignNetworks(name, sections, part('routes')),
    uplink,
    tools: {
      isRoot,
      hasWg: has(part('tools'), 'wg'),
      hasHandler: /^wireguard\./m.test(part('tools')),
      knowsProtocol: part('handlers').includes('wireguard'),
      hasFw4: has(part('tools'), 'fw4'),
      hasConntrack: has(part('tools'), 'conntrack'),
    },
  }
}

/** What the router's shell shows it as: its public half, or nothing. */
function withPublicKey(name: string, sections: readonly Section[], publicKey: string): readonly Section[] {
  return sections.map((section) => {
    if (!isInterface(section) || section.name !== name || section.options[PRIVATE_KEY] === undefined) return section
    return { ...section, options: { ...section.options, [PRIVATE_KEY]: publicKey } }
  })
}

function has(tools: string, name: string): boolean {
  return new RegExp(`/${name}$`, 'm').test(tools)
}

const NO_UPLINK = 'the router has no default route: its own line is down, or its address has not come yet'

/** Of `network.interface dump`: the first with a default route; what is under `inactive` does not count. */
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

/** As the kernel has it; null while there is no such device, or one that is no WireGuard. */
function liveInterface(name: string, part: Look['part'], times: Times): ObservedInterface | null {
  const rows = part('wg')
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([device]) => device === name)
  const [first] = rows.filter((row) => row.length === 5)
  const link = linkOf(name, part('links'))
  if (first === undefined || link === null) return null
  const addresses = [...part('addresses').matchAll(/\binet (\S+)/g)].map(([, address = '']) =>
    address.includes('/') ? address : `${address}/32`,
  )
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
    // Never given, and never shown.
    presharedKeyId: null,
    endpoint: parseEndpoint(endpoint),
    allowedIps: allowed === '' || allowed === '(none)' ? [] : allowed.split(','),
    // Both times are the router's; a clock that was set back makes no handshake of the future.
    lastHandshakeAt: at === 0 ? null : nowSeconds - Math.max(0, routerNow - at),
    rxBytes: count(rx, 'received bytes'),
    txBytes: count(tx, 'sent bytes'),
    keepaliveSeconds: keepalive === 'off' ? 0 : count(keepalive, 'a keepalive'),
  }
}

/** As uci has it: not up, and nothing is known but what was wanted. */
function configuredInterface(name: string, sections: readonly Section[]): ObservedInterface {
  const own = sections.find((section) => isInterface(section) && section.name === name)
  const options = own?.options ?? {}
  return {
    name,
    publicKey: keyIn(text(options, PRIVATE_KEY) ?? ''),
    listenPort: Number(text(options, 'listen_port') ?? 0),
    fwmark: 0,
    up: false,
    mtu: Number(text(options, 'mtu') ?? 0),
    peers: configuredPeers(name, sections),
    addresses: list(options, 'addresses'),
    cutOff: [],
    routes: configuredRoutes(name, sections),
  }
}

/** Peers of the interface, in whatever section. What bears no key is none: the handlers pass it by. */
export function configuredPeers(name: string, sections: readonly Section[]): readonly PeerState[] {
  return sections
    .filter(({ config, type }) => config === 'network' && type === peerType(name))
    .flatMap(({ options }) => {
      const publicKey = keyIn(text(options, 'public_key') ?? '')
      if (publicKey === null) return []
      const host = text(options, 'endpoint_host') ?? ''
      const port = text(options, 'endpoint_port') ?? '51820'
      return [
        {
          publicKey,
          presharedKeyId: null,
          endpoint: parseEndpoint(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`),
          allowedIps: text(options, 'disabled') === '1' ? [] : list(options, 'allowed_ips'),
          lastHandshakeAt: null,
          rxBytes: 0,
          txBytes: 0,
          keepaliveSeconds: Number(text(options, 'persistent_keepalive') ?? 0),
        },
      ]
    })
}

export function configuredRoutes(name: string, sections: readonly Section[]): readonly RouteSpec[] {
  return sections
    .filter((section) => section.type === 'route' && tunnelOf(section) === name)
    .map(({ options }) => ({ prefix: text(options, 'target') ?? '', mtu: null }))
}

function strays(name: string, sections: readonly Section[]): readonly string[] {
  const tunnels = sections.flatMap((section) => tunnelOf(section) ?? [])
  const own = sections.some((section) => isInterface(section) && tunnelOf(section) === name)
  // What is left of our own, without its interface, is made anew with it.
  return [...new Set(tunnels)].filter((one) => one !== name || (!own && hasRemains(name, sections)))
}

function hasRemains(name: string, sections: readonly Section[]): boolean {
  return sections.some((section) => section.config === 'network' && tunnelOf(section) === name)
}

function takenBy(name: string, sections: readonly Section[], links: string): readonly Refusal[] {
  const theirs = sections.some(
    (section) => section.config === 'network' && section.name === name && tunnelOf(section) === null,
  )
  const zone = sections.some(
    (section) =>
      section.type === 'zone' && tunnelOf(section) === null && text(section.options, 'name') === zoneName(name),
  )
  return [
    ...(theirs || linkOf(name, links) !== null
      ? [{ code: 'interface-taken', why: `the router has an interface ${name} that homeward did not make` } as const]
      : []),
    ...(zone
      ? [
          {
            code: 'router-taken',
            why: `the router has a firewall zone ${zoneName(name)} that homeward did not make`,
          } as const,
        ]
      : []),
  ]
}

function pendingChanges(lines: readonly string[]): readonly Refusal[] {
  if (lines.length === 0) return []
  const some = lines.slice(0, 3).join(', ')
  const more = lines.length > 3 ? ` and ${lines.length - 3} more` : ''
  return [
    {
      code: 'router-changes-pending',
      why: `somebody has changes on the router that are not committed (${some}${more}), and whoever commits would commit them too`,
    },
  ]
}

function foreignNetworks(name: string, sections: readonly Section[], routes: string): readonly ForeignNetwork[] {
  const configured = sections
    .filter((section) => isInterface(section) && tunnelOf(section) === null)
    .flatMap(({ name: by, options }) =>
      list(options, 'ipaddr')
        .concat(list(options, 'addresses'))
        .map((address) => ({ by, address })),
    )
    .filter(({ address }) => address.includes('/') && !address.includes(':'))
    .map(({ by, address }) => ({ prefix: networkOf(address), by: `the router’s interface ${by}` }))
  const ours = [name, ...sections.flatMap((section) => tunnelOf(section) ?? [])]
  const led = routes.split('\n').flatMap((line) => {
    const [, prefix, device = ''] = /^(\d+\.\d+\.\d+\.\d+\/\d+) (?:via \S+ )?dev (\S+)/.exec(line) ?? []
    return prefix === undefined || ours.includes(device) ? [] : [{ prefix, by: `a route into ${device}` }]
  })
  return [...configured, ...led]
}

/** `6: hw0: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1420 …` */
function linkOf(name: string, links: string): { readonly up: boolean; readonly mtu: number } | null {
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

function clockWarning(routerNow: number, nowSeconds: number): readonly string[] {
  const off = routerNow - nowSeconds
  if (Math.abs(off) <= CLOCK_OFF_SECONDS) return []
  return [
    `the router’s clock is ${Math.abs(Math.round(off))} s ${off < 0 ? 'behind' : 'ahead of'} this machine’s: check NTP on both (a hub takes no handshake that is older than the last)`,
  ]
}

/** Seen to lose the flow's entry: openwrt#17915. */
function flowOffloadWarning(sections: readonly Section[]): readonly string[] {
  const isOn = sections.some(
    ({ config, type, options }) =>
      config === 'firewall' && type === 'defaults' && text(options, 'flow_offloading_hw') === '1',
  )
  return isOn
    ? ['hardware flow offloading is on, which can lose the tunnel’s flow: if it stalls, turn flow_offloading_hw off']
    : []
}

function keyIn(word: string): PublicKey | null {
  return isKeyText(word) ? parsePublicKey(word) : null
}

function count(word: string, what: string): number {
  if (!/^\d+$/.test(word)) throw new SyntaxError(`the router gives no number for ${what}`)
  return Number(word)
}
