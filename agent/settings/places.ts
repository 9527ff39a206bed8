/** The folders of this home's files. */
export interface AgentPlaces {
  /** agent.yaml and the secrets. */
  readonly configDir: string
  /** What the agent remembers. */
  readonly stateDir: string
  /** Sockets; lost at a reboot. */
  readonly runtimeDir: string
}
