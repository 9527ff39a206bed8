import { join } from 'node:path'

/** The folders of this home's files, or of one tunnel's. */
export interface AgentPaths {
  /** agent.yaml and the secrets. */
  readonly configDir: string
  /** What the agent remembers. */
  readonly stateDir: string
  /** Sockets; lost at a reboot. */
  readonly runtimeDir: string
}

/**
 * Where a tunnel has its secrets and its memory. The first one's places are the home's own: what was written there before
 * there were several is found, and a version that knows one tunnel only finds it again. Each other one has a folder of its
 * own in both. What changes the machine is locked once for all of them.
 * @param nth in the list of the home's tunnels.
 */
export function tunnelPaths(home: AgentPaths, nth: number, interfaceName: string): AgentPaths {
  if (nth === 0) return home
  const { configDir, stateDir } = home
  return { ...home, configDir: join(configDir, interfaceName), stateDir: join(stateDir, interfaceName) }
}
