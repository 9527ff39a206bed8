import type { RouterConfig } from '../settings/config.ts'

/** The maker of the tunnel's key, who has its private half. */
export type KeyMaker = 'agent' | 'router'

/** A MikroTik makes the tunnel's key and keeps it to itself; OpenWrt is given the agent's. */
export function keyMakerOf({ kind }: Pick<RouterConfig, 'kind'>): KeyMaker {
  return kind === 'mikrotik' ? 'router' : 'agent'
}
