import { createHash } from 'node:crypto'
import type { PeerSpec } from '../../../wireguard/spec.ts'
import type { HomeForwarding, RouteSpec, TunnelSpec } from '../../spec.ts'
import { namedFor, peerName, peerType, type Section } from './sections.ts'

/** The sections that make up a tunnel on an OpenWrt router. Pure. */

/** A tunnel of a home; a router has no other. */
export interface HomeSpec extends TunnelSpec {
  readonly forwarding: HomeForwarding
}

export function peerSection(interfaceName: string, peer: PeerSpec): Section {
  const { publicKey, endpoint, allowedIps, keepaliveSeconds } = peer
  return {
    config: 'network',
    name: peerName(interfaceName, publicKey),
    type: peerType(interfaceName),
    options: {
      description: 'homeward',
      public_key: publicKey,
      // One option each: a comma within half works (openwrt#21411).
      allowed_ips: allowedIps,
      ...(endpoint === null ? {} : { endpoint_host: endpoint.address, endpoint_port: String(endpoint.port) }),
      ...(keepaliveSeconds === 0 ? {} : { persistent_keepalive: String(keepaliveSeconds) }),
    },
  }
}

export function routeSection(interfaceName: string, { prefix }: Pick<RouteSpec, 'prefix'>): Section {
  return {
    config: 'network',
    name: routeName(interfaceName, prefix),
    type: 'route',
    options: { interface: interfaceName, target: prefix },
  }
}

export function routeName(interfaceName: string, prefix: string): string {
  return namedFor(interfaceName, `r${createHash('sha256').update(prefix).digest('hex').slice(0, 12)}`)
}

export function isHome(spec: TunnelSpec): spec is HomeSpec {
  return spec.forwarding.role === 'home'
}
