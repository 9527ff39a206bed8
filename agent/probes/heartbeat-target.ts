import type { TunnelConfig } from '../settings/config.ts'
import type { HeartbeatTarget } from './heartbeat.ts'

/** The hub's machine in the tunnel, on the registrar's TCP port, which answers also while no daemon does. */
export function tunnelTarget({ hub, router }: TunnelConfig) {
  const { address, hubAddress, port } = hub
  return router.kind === 'linux' ? { from: address, hubAddress, port } : { hubAddress, port }
}

/** Where this home's heartbeats go, and what they come from. */
export function heartbeatTarget(config: TunnelConfig): HeartbeatTarget {
  const { address, hubAddress, heartbeatPort } = config.hub
  return { from: config.router.kind === 'linux' ? address : null, hubAddress, port: heartbeatPort }
}
