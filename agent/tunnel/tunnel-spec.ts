import type { TunnelSpec } from '../../adapters/spec.ts'
import { type Endpoint, type PeerSpec, sameEndpoint } from '../../wireguard/spec.ts'
import type { TunnelConfig, HubConfig } from '../settings/config.ts'
import { keepaliveSeconds } from '../core/keepalive.ts'
import { keyMakerOf } from '../secrets/key-maker.ts'
import type { UplinkFacts } from '../memory/uplink-memory.ts'

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
 * The tunnel as agent.yaml wants it, and as the line allows it.
 * @param current where the interface sends now: kept while it is one of the endpoints, so that nothing is disturbed.
 */
export function tunnelSpec(
  config: TunnelConfig,
  endpoints: TunnelEndpoints,
  current: Endpoint | null,
  uplink: UplinkFacts,
): TunnelSpec {
  const hub = config.hub
  const [first] = endpoints.hubLiterals
  if (first === undefined) throw new TypeError('a hub without an address')
  const { start = null } = endpoints
  const known = [start, current].find((one) => isAmong(endpoints, hub, one)) ?? null
  const endpoint = known ?? { address: first, port: hub.port }
  const seenAs = Object.entries(config.lan.seenAs ?? {})
    .filter(([prefix]) => config.lan.prefixes.includes(prefix))
    .map(([prefix, seen]) => ({ prefix, seen }))
    .sort((a, b) => (a.prefix < b.prefix ? -1 : 1))
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

function isAmong({ hubLiterals, transport }: TunnelEndpoints, hub: HubConfig, current: Endpoint | null): boolean {
  if (current === null) return false
  if (hubLiterals.includes(current.address)) return [hub.port, ...hub.alternatePorts].includes(current.port)
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
