import type { TunnelSpec } from '../../../adapters/spec.ts'
import { type Endpoint, type PeerSpec, sameEndpoint } from '../../../wireguard/spec.ts'
import type { TunnelConfig, HubConfig } from '../../settings/config.ts'
import { keepaliveSeconds } from '../../core/keepalive.ts'
import { outgoingForwarding } from './outgoing.ts'
import { keyMakerOf } from '../../secrets/key-maker.ts'
import type { UplinkFacts } from '../../memory/uplink-memory.ts'

/** Endpoints of the hub, and the transport, that a tunnel may use. */
export interface TunnelEndpoints {
  /** The hub's addresses, best first; never empty. */
  readonly hubLiterals: readonly string[]
  /**
   * Where the agent's TLS transport takes WireGuard's datagrams; null when there is none. A port of `any`: whoever asks
   * is not the agent, and leaves a transport at this address in use.
   */
  readonly transport: Endpoint | { readonly address: string; readonly port: 'any' } | null
  /** Where the interface shall send if that is one of them, wherever it sends now: the way that a join found, or the last. */
  readonly start?: Endpoint | null
}

/**
 * Where the interface sends now, and whether an endpoint that nothing names is answered there. Evidence outranks
 * configuration: a name may lead elsewhere in this network (split-horizon DNS), and a tunnel that carries stays.
 */
export interface CurrentEndpoint {
  readonly endpoint: Endpoint
  readonly isLiving: boolean
}

/**
 * The tunnel as agent.yaml wants it, and as the line allows it.
 * @param current kept while it is one of the endpoints, or is answered, so that nothing is disturbed.
 * @param here this machine's own addresses.
 */
export function tunnelSpec(
  config: TunnelConfig,
  endpoints: TunnelEndpoints,
  current: CurrentEndpoint | null,
  uplink: UplinkFacts,
  here: readonly string[] = [],
): TunnelSpec {
  const endpoint = endpointFor(config.hub, endpoints, current, uplink)
  const seenAs = Object.entries(config.lan.seenAs ?? {})
    .filter(([prefix]) => config.lan.prefixes.includes(prefix))
    .map(([prefix, seen]) => ({ prefix, seen }))
    .sort((a, b) => (a.prefix < b.prefix ? -1 : 1))
  const outgoing = outgoingForwarding(config, uplink, here)
  return {
    interface: config.interface,
    // Where a router makes its key itself, the hub is told whatever key that is.
    publicKey: keyMakerOf(config.router) === 'agent' ? config.publicKey : null,
    address: tunnelAddress(config),
    mtu: tunnelMtu(config, uplink),
    listenPort: null,
    peers: [
      tunnelPeer(config, {
        endpoint,
        keepaliveSeconds: keepaliveSeconds(config.keepaliveSeconds, uplink.lifeSeconds, config.economy),
        visitors: uplink.visitors,
      }),
    ],
    // The address's own prefix routes the whole tunnel network into the interface.
    routes: [],
    forwarding: {
      role: 'home',
      lan: [...config.lan.prefixes].sort(),
      mode: config.lan.mode,
      seenAs,
      visitors: uplink.visitors,
      exit: config.lan.exit === true,
      ...(outgoing === null ? {} : { outgoing }),
    },
  }
}

/**
 * The hub as the interface's one peer. Visitors may have any address: WireGuard then accepts all of them from the hub,
 * and the firewall says where they may go.
 */
export function tunnelPeer(
  config: TunnelConfig,
  { visitors, ...how }: Pick<PeerSpec, 'endpoint' | 'keepaliveSeconds'> & { readonly visitors: boolean },
): PeerSpec {
  const { publicKey, network } = config.hub
  return { publicKey, presharedKeyId: null, allowedIps: [visitors ? '0.0.0.0/0' : network], ...how }
}

/** An interface that sends nowhere yet begins where the hub last answered: a name may lead to somebody else here. */
function endpointFor(
  hub: HubConfig,
  endpoints: TunnelEndpoints,
  current: CurrentEndpoint | null,
  uplink: UplinkFacts,
): Endpoint {
  const { start = null } = endpoints
  if (start !== null && isKnownEndpoint(hub, endpoints, start, uplink)) return start
  if (current !== null && (current.isLiving || isKnownEndpoint(hub, endpoints, current.endpoint, uplink)))
    return current.endpoint
  const address = provenAddress(hub, uplink) ?? endpoints.hubLiterals[0]
  if (address === undefined) throw new TypeError('a hub without an address')
  return { address, port: hub.port }
}

/** The address at which this hub last answered through the tunnel; null: none is known, or it was another hub's. */
export function provenAddress({ publicKey }: Pick<HubConfig, 'publicKey'>, { provenHub }: UplinkFacts): string | null {
  return provenHub?.publicKey === publicKey ? provenHub.address : null
}

/** Whether an endpoint is the hub's as far as is known, or the transport's. */
export function isKnownEndpoint(
  hub: HubConfig,
  { hubLiterals, transport }: TunnelEndpoints,
  current: Endpoint,
  uplink: UplinkFacts,
): boolean {
  if ([...hubLiterals, provenAddress(hub, uplink)].includes(current.address))
    return [hub.port, ...hub.alternatePorts].includes(current.port)
  if (transport === null) return false
  return transport.port === 'any'
    ? transport.address === current.address
    : sameEndpoint({ ...transport, port: transport.port }, current)
}

/** The tunnel's MTU, bytes. What the line has taught lowers it, never raises it. */
function tunnelMtu(config: TunnelConfig, uplink: UplinkFacts): number {
  return Math.min(config.mtu, uplink.mtu ?? config.mtu)
}

/** The home's address with the prefix length of the tunnel's network, e.g. 10.86.0.2/16. */
export function tunnelAddress(config: TunnelConfig): string {
  const hub = config.hub
  return `${hub.address}/${hub.network.split('/')[1]}`
}
