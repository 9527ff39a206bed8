import type { TunnelConfig } from '../settings/config.ts'
import type { HeartbeatTarget } from './heartbeat.ts'

/** Where this home's heartbeats go, and what they come from. */
export function heartbeatTarget(config: TunnelConfig): HeartbeatTarget {
  const { address, hubAddress, heartbeatPort } = config.hub
  return { from: config.router.kind === 'linux' ? address : null, hubAddress, port: heartbeatPort }
}
