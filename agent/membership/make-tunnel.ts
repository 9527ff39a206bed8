import type { Adapter } from '../../adapters/adapter.ts'
import type { ApplyHooks } from '../../adapters/apply.ts'
import { waitOut } from '../tunnel/plan/wait-out.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import { Problem } from '../../problems/problem.ts'
import type { JoinToken } from '../../protocol/token.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import { mappedPrefixes } from '../lan/mapped-lan.ts'
import { keepLastWay } from '../memory/last-way.ts'
import type { UplinkFacts } from '../memory/uplink-memory.ts'
import { hubAddresses } from '../registrar/hub-addresses.ts'
import { hubEndpoints } from '../registrar/hub-endpoints.ts'
import { registerHome } from '../registrar/registration.ts'
import { keyMakerOf } from '../secrets/key-maker.ts'
import { type AgentConfig, agentConfigPath, type HubConfig, type TunnelConfig, tunnelsOf } from '../settings/config.ts'
import { applyTunnel } from '../tunnel/plan/apply-tunnel.ts'
import { tunnelAddress, tunnelPeer } from '../tunnel/plan/tunnel-spec.ts'
import { inOrderOfTrying } from '../ways/ask-endpoints.ts'
import { openWayFinder, type WayFinder, type WayFinderDeps } from '../ways/find-way.ts'
import { attemptText, type LineFinding, waysText } from '../ways/line-report.ts'
import type { Way } from '../ways/search.ts'
import { wayToKeep } from '../ways/way-to-keep.ts'
import { type Admission, requestJoin } from './join-request.ts'
import type { JoinStage } from './join-undo.ts'
import { proveTunnel } from './proof/prove.ts'

export interface Joined {
  readonly config: AgentConfig
  /** The way by which the hub answered. */
  readonly way: Way
  /** What this line lets through to the hub, the ways that were not needed included. */
  readonly line: readonly LineFinding[]
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
  /** The folder where the agent finds the way to begin with. */
  readonly wayDir: string
  /** When the interface last shook hands before this join, as `wg` says; null: it is new, or did not yet. */
  readonly handshakeBefore: number | null
}

/**
 * Joins at the hub, makes the tunnel and proves it. The hub knows the home before the first initiation could reach it:
 * at once where the key is made here; where the router makes it, as soon as the router has. From then on the hub is
 * asked which ways lead to it; an interface whose key is made here begins with the best of them.
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
  const [{ hub }] = tunnelsOf(config)
  const hubLiterals = await hubAddresses(hub.addresses, stateDir, signal)
  const done: { admitted: Admitted | null; joined: Joined | null } = { admitted: null, joined: null }

  async function admit(cut: AbortSignal): Promise<Admitted> {
    const publicKey = isKeyMadeHere ? null : await keyOnRouter(adapter, config.interface, cut)
    begun.add('hub')
    // The preview's answer is not used: somebody else may have joined since.
    const admission = await requestJoin(join.token, join.admission.secrets, publicKey, mappedPrefixes(config.lan), cut)
    const joinedConfig = join.configBy(admission)
    if (!isKeyMadeHere) refuseOtherThan(config, joinedConfig)
    begun.add('machine')
    await writeFileAtomic(agentConfigPath(configDir), join.configText(joinedConfig))
    done.admitted = {
      config: joinedConfig,
      finder: await openWays(join, joinedConfig, hubLiterals, tell, clock, signal),
    }
    return done.admitted
  }

  /** @param start the endpoint that the interface was made with; null: the plan's. */
  async function prove(start: Endpoint | null, cut: AbortSignal): Promise<Joined> {
    const { config, finder } = done.admitted ?? (await admit(cut))
    tell('Tunnel created. Testing it …')
    const [tunnel] = tunnelsOf(config)
    const from = start ?? (await endpointOf(adapter, tunnel, cut)) ?? firstOf(tunnel.hub, hubLiterals)
    const { proven, search, line, tookMs } = await proveTunnel(finder, from, tunnel, configDir, cut)
    const lastMapping = proven.mapping
    const registering = {
      folders: { configDir, stateDir: null },
      config: tunnel,
      listenPort: null,
      lastMapping,
      hubLiterals: [],
    }
    const registered = await registerHome({ ...registering, reason: 'start' }, cut)
    // Without the file the agent begins with the first endpoint, and finds the way again.
    await keepLastWay(join.wayDir, wayToKeep(proven.way, search, tunnel.hub, hubLiterals)).catch(() => undefined)
    done.joined = { config, way: proven.way, line, provenMs: tookMs, mapping: registered.mapping ?? lastMapping }
    return done.joined
  }

  try {
    const early = isKeyMadeHere ? await admit(signal) : null
    const start = early === null ? null : await early.finder.first(signal)
    const [wanted] = tunnelsOf(early?.config ?? config)
    begun.add('machine')
    const tunnel = { adapter, config: wanted, stateDir, uplink, transport: null, start, hubLiterals }
    const hooks: ApplyHooks = {
      beforeStep: async (step, cut) => {
        if (step.kind === 'set-peers' && done.admitted === null) await admit(cut)
      },
      prove: async (cut) => void (await prove(start, cut)),
      onWarnings: (warnings) => {
        for (const warning of warnings) tell(`Warning: ${warning}`)
      },
    }
    await waitOut(() => applyTunnel(tunnel, signal, hooks), { tell, clock, signal })
    const joined = done.joined ?? (await prove(start, signal))
    if (joined.way.kind === 'tls') await leaveTransport(join, joined.config, hubLiterals, signal)
    return joined
  } finally {
    done.admitted?.finder.close()
  }
}

interface Admitted {
  readonly config: AgentConfig
  readonly finder: WayFinder
}

async function openWays(
  { adapter, configDir, handshakeBefore, uplink }: AgreedJoin,
  config: AgentConfig,
  hubLiterals: readonly string[],
  tell: (uplink: string) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<WayFinder> {
  const [tunnel] = tunnelsOf(config)
  const { visitors } = uplink
  const onTrying: WayFinderDeps['onTrying'] = (way, search) => tell(attemptText(search, way))
  const known = { adapter, config: tunnel, configDir, handshakeBefore, visitors, onTrying, clock }
  tell(`Looking for ways to the hub: ${waysText(tunnel.hub, hubLiterals)} …`)
  return await openWayFinder({ ...known, hubLiterals: inOrderOfTrying(hubLiterals) }, signal)
}

/** Where the interface sends to the hub now; null: nowhere yet. */
async function endpointOf(adapter: Adapter, { interface: name, hub }: TunnelConfig, signal: AbortSignal) {
  const peers = tunnelIn(await adapter.observe(signal), name)?.peers ?? []
  return peers.find(({ publicKey }) => publicKey === hub.publicKey)?.endpoint ?? null
}

/**
 * Points WireGuard at the hub again before the join's TLS transport ends: a router would go on sending to this machine.
 * The agent begins with a transport of its own.
 */
async function leaveTransport(
  { adapter, uplink: { visitors } }: AgreedJoin,
  config: AgentConfig,
  hubLiterals: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const [tunnel] = tunnelsOf(config)
  const endpoint = firstOf(tunnel.hub, hubLiterals)
  const peer = tunnelPeer(tunnel, { endpoint, keepaliveSeconds: tunnel.keepaliveSeconds, visitors })
  await adapter.execute({ kind: 'set-peers', interface: tunnel.interface, peers: [peer] }, signal)
}

function firstOf(hub: HubConfig, hubLiterals: readonly string[]): Endpoint {
  const [first] = hubEndpoints(hub, hubLiterals)
  if (first === undefined) throw new TypeError('a hub without an address')
  return first
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
