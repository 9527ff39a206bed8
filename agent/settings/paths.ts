import { join } from 'node:path'

/** The folders of this home's files, or of one tunnel's. */
export interface AgentPaths {
  /** agent.yaml and the secrets. */
  readonly configDir: string
  /** Files that the agent remembers by. */
  readonly stateDir: string
  /** Sockets; lost at a reboot. */
  readonly runtimeDir: string
}

/**
 * The folders of a tunnel's secrets and memory. The first one's are the home's own: files written before there were
 * several tunnels are found, and a version that knows one tunnel only finds them again. Each other tunnel has a folder
 * of its own in both. Changes of the machine are locked once for all tunnels.
 * @param nth in the list of the home's tunnels.
 */
export function tunnelPaths(home: AgentPaths, nth: number, interfaceName: string): AgentPaths {
  if (nth === 0) return home
  const { configDir, stateDir } = home
  return { ...home, configDir: join(configDir, interfaceName), stateDir: join(stateDir, interfaceName) }
}
