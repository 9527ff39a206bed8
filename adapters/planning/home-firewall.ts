import { networkOf, withoutLength } from '../../net/prefix.ts'
import type { HomeForwarding, TunnelFirewall, TunnelSpec } from '../spec.ts'

/** What the firewall of a router must know of a home's tunnel. Routers answer no visitors: they need no slot. Pure. */
export function homeFirewall({
  interface: name,
  listenPort,
  address,
  forwarding,
}: TunnelSpec & { readonly forwarding: HomeForwarding }): TunnelFirewall<HomeForwarding> {
  return {
    interface: name,
    listenPort,
    address: withoutLength(address),
    network: networkOf(address),
    forwarding,
    visitorSlot: 0,
  }
}
