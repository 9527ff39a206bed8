import type { RouterConfig } from '../settings/config.ts'
import type { KeyMaker } from './secrets.ts'

/** A MikroTik makes the tunnel's key and keeps it to itself; OpenWrt is given the agent's. */
export function keyMakerOf({ kind }: Pick<RouterConfig, 'kind'>): KeyMaker {
  return kind === 'mikrotik' ? 'router' : 'agent'
}
