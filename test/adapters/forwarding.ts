import type { HomeForwarding, HubForwarding } from '../../adapters/spec.ts'
import { ECHO_FLOW } from '../../protocol/datagrams/echo.ts'

/** A home that does nothing but let the tunnel reach the LAN, unless told otherwise. */
export function homeForwarding(told: Partial<HomeForwarding> & Pick<HomeForwarding, 'lan' | 'mode'>): HomeForwarding {
  return { role: 'home', seenAs: [], visitors: false, exit: false, ...told }
}

/** A hub that nobody may reach anything through, unless told otherwise. */
export function hubForwarding(told: Partial<HubForwarding> = {}): HubForwarding {
  return {
    role: 'hub',
    alternatePorts: [],
    echo: ECHO_FLOW,
    heartbeatPort: null,
    devices: [],
    limited: [],
    full: [],
    exits: [],
    lans: [],
    ownServices: { open: [], sshPorts: [], ownerDevices: [] },
    published: [],
    ...told,
  }
}
