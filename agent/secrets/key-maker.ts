import type { RouterConfig } from '../settings/config.ts'

/** Who makes the tunnel's key, and has its private half. */
export type KeyMaker = 'agent' | 'router'

/** A MikroTik makes the tunnel's key and keeps it to itself; OpenWrt is given the agent's. */
export function keyMakerOf({ kind }: Pick<RouterConfig, 'kind'>): KeyMaker {
  return kind === 'mikrotik' ? 'router' : 'agent'
}
