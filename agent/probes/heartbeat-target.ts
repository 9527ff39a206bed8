import { type AgentConfig, firstHub } from '../settings/config.ts'
import type { HeartbeatTarget } from './heartbeat.ts'

/** Where this home's heartbeats go, and what they come from. */
export function heartbeatTarget(config: AgentConfig): HeartbeatTarget {
  const { address, hubAddress, heartbeatPort } = firstHub(config)
  return { from: config.router.kind === 'linux' ? address : null, hubAddress, port: heartbeatPort }
}
