import type { TunnelFirewall } from '../../../../adapters/spec.ts'
import { homeForwarding, hubForwarding } from '../../forwarding.ts'

/** A home whose services see visitors' addresses, and a hub one of whose devices goes out through a home. */
export const HOME: TunnelFirewall = {
  interface: 'hw0',
  listenPort: null,
  address: '10.86.0.2',
  network: '10.86.0.0/16',
  forwarding: { ...homeForwarding({ lan: [], mode: 'masquerade' }), visitors: true },
  visitorSlot: 0,
}
const { published: _, ...hub } = hubForwarding({ exits: ['10.86.0.5'] })
export const HUB: TunnelFirewall = { ...HOME, forwarding: hub }
