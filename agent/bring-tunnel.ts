import type { Adapter, Observation, Plan, Step, TunnelSpec } from '../adapters/adapter.ts'
import { bringTo } from '../adapters/apply.ts'
import { type AgentConfig, firstHub } from './config.ts'
import { hubAddresses } from './hub-addresses.ts'
import type { Line } from './line-memory.ts'
import { tunnelSpec } from './tunnel-spec.ts'

/** A home's tunnel, and what is needed to make it as agent.yaml wants it. */
export interface HomeTunnel {
  readonly adapter: Adapter
  readonly config: AgentConfig
  /** Remembers the hub's addresses. */
  readonly stateDir: string
  /** What the line has taught. */
  readonly line: Line
}

export interface Brought {
  /** None when nothing differed. */
  readonly steps: readonly Step[]
  readonly hubLiterals: readonly string[]
  /** null when the interface was not there before. */
  readonly listenPort: number | null
}

/** Observes, plans and executes. @throws {Problem} `name-unresolved`, the plan’s refusal, `step-failed`. */
export async function bringTunnel(
  { adapter, config, stateDir, line }: HomeTunnel,
  signal: AbortSignal,
  onStep: (step: Step) => void = () => undefined,
): Promise<Brought> {
  const hubLiterals = await hubAddresses(firstHub(config).addresses, stateDir, signal)
  let listenPort: number | null = null
  const desired = (observed: Observation): TunnelSpec => {
    listenPort = observed.interface?.listenPort ?? null
    return wanted(config, line, hubLiterals, observed)
  }
  const steps = await bringTo(adapter, config.interface, desired, signal, onStep)
  return { steps, hubLiterals, listenPort }
}

/** What bringTunnel would do now. @throws {Problem} `name-unresolved`, or the adapter's own. */
export async function planTunnel({ adapter, config, stateDir, line }: HomeTunnel, signal: AbortSignal): Promise<Plan> {
  const hubLiterals = await hubAddresses(firstHub(config).addresses, stateDir, signal)
  const observed = await adapter.observe(config.interface, signal)
  return adapter.plan(observed, wanted(config, line, hubLiterals, observed))
}

function wanted(config: AgentConfig, line: Line, hubLiterals: readonly string[], observed: Observation): TunnelSpec {
  const peer = observed.interface?.peers.find((one) => one.publicKey === firstHub(config).publicKey)
  return tunnelSpec(config, hubLiterals, peer?.endpoint ?? null, line)
}
