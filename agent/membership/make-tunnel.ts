import type { Adapter } from '../../adapters/adapter.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import { Problem } from '../../problems/problem.ts'
import type { JoinToken } from '../../protocol/token.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import { applyTunnel } from '../tunnel/apply-tunnel.ts'
import { type AgentConfig, agentConfigPath, tunnelsOf } from '../settings/config.ts'
import { type Admission, requestJoin } from './join-request.ts'
import type { JoinStage } from './join-undo.ts'
import { keyMakerOf } from '../secrets/key-maker.ts'
import type { UplinkFacts } from '../memory/uplink-memory.ts'
import { proveTunnel } from './prove.ts'
import { registerHome } from '../registrar/registration.ts'
import { mappedPrefixes } from '../lan/mapped-lan.ts'
import { tunnelAddress } from '../tunnel/tunnel-spec.ts'

export interface Joined {
  readonly config: AgentConfig
  /** Time until the first heartbeat was answered. */
  readonly provenMs: number
  /** The home's mapping as the hub sees it; null when the hub has not said yet. */
  readonly mapping: Endpoint | null
}

/** A join that is agreed to: its secrets are kept, and nothing else is changed yet. */
export interface AgreedJoin {
  readonly adapter: Adapter
  readonly token: JoinToken
  /** The admission that the preview showed. */
  readonly admission: Admission
  /** The configuration by the preview; with a key that nobody keeps, where a router will make it. */
  readonly config: AgentConfig
  /** The configuration by the join's own answer. */
  readonly configBy: (admission: Admission) => AgentConfig
  readonly configText: (config: AgentConfig) => string
  readonly uplink: UplinkFacts
  /** The folder of the secrets and of agent.yaml. */
  readonly configDir: string
  /** The folder that remembers the hub's addresses. */
  readonly stateDir: string
}

/**
 * Joins at the hub, makes the tunnel and proves it. The hub knows the home before the first initiation could reach it:
 * at once where the key is made here; where the router makes it, as soon as the router has.
 * @param begun is told how far the join has come.
 */
export async function makeTunnel(
  join: AgreedJoin,
  begun: Set<JoinStage>,
  tell: (uplink: string) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<Joined> {
  const { config, adapter, configDir, stateDir, uplink } = join
  const isKeyMadeHere = keyMakerOf(config.router) === 'agent'
  let joined: AgentConfig | null = null
  let proven: Joined | null = null

  async function admit(cut: AbortSignal): Promise<AgentConfig> {
    const publicKey = isKeyMadeHere ? null : await keyOnRouter(adapter, config.interface, cut)
    begun.add('hub')
    // The preview's answer is not used: somebody else may have joined since.
    const admission = await requestJoin(join.token, join.admission.secrets, publicKey, mappedPrefixes(config.lan), cut)
    joined = join.configBy(admission)
    if (!isKeyMadeHere) refuseOtherThan(config, joined)
    begun.add('machine')
    await writeFileAtomic(agentConfigPath(configDir), join.configText(joined))
    return joined
  }

  async function prove(cut: AbortSignal): Promise<Joined> {
    const config = joined ?? (await admit(cut))
    tell('Tunnel created. Testing it …')
    const [tunnel] = tunnelsOf(config)
    const { tookMs, mapping } = await proveTunnel(adapter, tunnel, configDir, clock, cut)
    const registered = await registerHome(
      { configDir, config: tunnel, reason: 'start', listenPort: null, lastMapping: mapping, hubLiterals: [] },
      cut,
    )
    proven = { config, provenMs: tookMs, mapping: registered.mapping ?? mapping }
    return proven
  }

  const [wanted] = tunnelsOf(isKeyMadeHere ? await admit(signal) : config)
  begun.add('machine')
  await applyTunnel({ adapter, config: wanted, stateDir, uplink, transport: null }, signal, {
    beforeStep: async (step, cut) => {
      if (step.kind === 'set-peers' && joined === null) await admit(cut)
    },
    prove: async (cut) => void (await prove(cut)),
    onWarnings: (warnings) => {
      for (const warning of warnings) tell(`Warning: ${warning}`)
    },
  })
  return proven ?? (await prove(signal))
}

async function keyOnRouter(adapter: Adapter, interfaceName: string, signal: AbortSignal): Promise<PublicKey> {
  const observed = await adapter.observe(signal)
  const publicKey = tunnelIn(observed, interfaceName)?.publicKey ?? null
  if (publicKey !== null) return publicKey
  throw new Problem('step-failed', {
    what: 'joining the hub',
    why: `the router made the interface ${interfaceName}, and shows no public key of it`,
    next: 'Run the same homeward join again',
  })
}

/** Refuses an answer other than the preview's, which is on the router already. @throws {Problem} `answer-invalid`. */
function refuseOtherThan(previewed: AgentConfig, joined: AgentConfig): void {
  const spec = (config: AgentConfig) => {
    const [tunnel] = tunnelsOf(config)
    return JSON.stringify([tunnelAddress(tunnel), tunnel.hub.hubAddress, tunnel.mtu, tunnel.lan.prefixes])
  }
  if (spec(previewed) === spec(joined)) return
  throw new Problem('answer-invalid', {
    what: 'joining the hub',
    why: 'meanwhile it gave this home’s address, or part of its LAN, to somebody else',
    next: 'Run the same homeward join again',
  })
}
