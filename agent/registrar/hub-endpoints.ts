import { isIPv6 } from 'node:net'
import type { Endpoint } from '../../wireguard/spec.ts'
import type { HubConfig } from '../settings/config.ts'

/**
 * All endpoints of the hub's WireGuard, best first: WireGuard's own port on each address, then the other ports in the
 * configuration's order.
 */
export function hubEndpoints({ port, alternatePorts }: HubConfig, literals: readonly string[]): readonly Endpoint[] {
  const ports = [...new Set([port, ...alternatePorts])]
  return ports.flatMap((port) => literals.map((address) => ({ address, port })))
}

/**
 * The endpoint that the tunnel should use while nothing speaks against it. Over IPv6 there is no carrier's NAT to lose
 * a mapping, so it comes first where it answers; else the first address.
 */
export function preferredEndpoint(
  endpoints: readonly Endpoint[],
  answered: readonly Endpoint[],
  port: number,
): Endpoint {
  const over6 = answered.find((endpoint) => isIPv6(endpoint.address) && endpoint.port === port)
  const [first] = endpoints
  if (first === undefined) throw new TypeError('a hub without an address')
  return over6 ?? first
}
