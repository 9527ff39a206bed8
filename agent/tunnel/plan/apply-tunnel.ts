import { networkInterfaces } from 'node:os'
import type { Adapter } from '../../../adapters/adapter.ts'
import type { Observation } from '../../../adapters/observation.ts'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import type { Plan, Step } from '../../../adapters/step.ts'
import { type ApplyHooks, applyDesired } from '../../../adapters/apply.ts'
import { tunnelIn } from '../../../adapters/tunnel-in.ts'
import { Problem } from '../../../problems/problem.ts'
import type { PeerState } from '../../../wireguard/dump.ts'
import type { PublicKey } from '../../../wireguard/keys.ts'
import type { PeerSpec } from '../../../wireguard/spec.ts'
import { ownAddresses } from '../../lan/kept-prefixes.ts'
import { lanWarnings, routerLanWarnings } from '../../lan/lan-warnings.ts'
import { type LocalNetworks, readLocalNetworks } from '../../lan/local-networks.ts'
import type { TunnelConfig } from '../../settings/config.ts'
import { hubAddresses } from '../../registrar/hub-addresses.ts'
import type { UplinkFacts } from '../../memory/uplink-memory.ts'
import { isKnownEndpoint, provenAddress, tunnelSpec, type TunnelEndpoints } from './tunnel-spec.ts'

/** A home's tunnel, and what is needed to set it up as agent.yaml wants it. */
export interface HomeTunnel {
  readonly adapter: Adapter
  readonly config: TunnelConfig
  /** The folder that remembers the hub's addresses. */
  readonly stateDir: string
  /** Facts that the line has taught. */
  readonly uplink: UplinkFacts
  /** The transport, as in `TunnelEndpoints`; an agent that has just begun, and a join, have none. */
  readonly transport: TunnelEndpoints['transport']
  /** Where the interface shall send, as in `TunnelEndpoints`; default: where it sends now. */
  readonly start?: TunnelEndpoints['start']
  /** The hub's addresses when they are known already; otherwise its names are resolved. */
  readonly hubLiterals?: readonly string[]
  /** Whether the tunnel has been dark for so long that what carries it is to be suspected. Default: nobody knows. */
  readonly isDark?: boolean
  /** Whether the tunnel carries now; asked only when it sends where nothing says that the hub is. Default: it does not. */
  readonly isLiving?: (signal: AbortSignal) => Promise<boolean>
  /** Reads the networks of this machine. Default: anew. */
  readonly localNetworks?: (except: string) => Promise<LocalNetworks>
}

export interface AppliedTunnel {
  /** Steps that were executed; none when nothing differed. */
  readonly steps: readonly Step[]
  readonly hubLiterals: readonly string[]
  /** The port before the apply; null when the interface was not there. */
  readonly listenPort: number | null
  /** The interface's key before the apply; null as above. */
  readonly publicKey: PublicKey | null
  /** The hub's last handshake before the apply, as the machine stamps it; null: none, or it does not say. */
  readonly lastHandshakeAt: number | null
  /** Where the interface sends, and its keepalive. */
  readonly peer: PeerSpec | null
  /** Visitors are answered through the tunnel. */
  readonly visitors: boolean
  /** What leaves by the hub. */
  readonly outgoing: UplinkFacts['outgoing']
  /** Warnings of the plan, and what was refused and may be. */
  readonly warnings: readonly string[]
}

/** Observes, plans and executes. @throws {Problem} `name-unresolved`, the plan’s refusal, `step-failed`. */
export async function applyTunnel(
  tunnel: HomeTunnel,
  signal: AbortSignal,
  hooks: ApplyHooks = {},
): Promise<AppliedTunnel> {
  const { adapter, config } = tunnel
  const hubLiterals = await literalsOf(tunnel, signal)
  let listenPort: number | null = null
  let publicKey: PublicKey | null = null
  let lastHandshakeAt: number | null = null
  let peer: PeerSpec | null = null
  let here: readonly string[] = []
  let warnings: readonly string[] = []
  const desired = async (observed: Observation): Promise<readonly TunnelSpec[]> => {
    const own = tunnelIn(observed, config.interface)
    here = await misfits(tunnel, observed)
    listenPort = own?.listenPort ?? null
    publicKey = own?.publicKey ?? null
    lastHandshakeAt = hubIn(observed, config)?.lastHandshakeAt ?? null
    const spec = await wanted(tunnel, hubLiterals, observed, signal)
    peer = spec.peers[0] ?? null
    return [spec]
  }
  const onWarnings = (found: readonly string[]): void => {
    warnings = [...found, ...here]
    hooks.onWarnings?.(warnings)
  }
  const steps = await applyDesired(adapter, desired, signal, { ...hooks, onWarnings })
  const { visitors, outgoing } = tunnel.uplink
  return { steps, hubLiterals, listenPort, publicKey, lastHandshakeAt, peer, visitors, outgoing, warnings }
}

/** Plans what applyTunnel would do now. @throws {Problem} `name-unresolved`, or the adapter's own. */
export async function planTunnel(tunnel: HomeTunnel, signal: AbortSignal): Promise<Plan> {
  const { adapter } = tunnel
  const hubLiterals = await literalsOf(tunnel, signal)
  const observed = await adapter.observe(signal)
  const plan = adapter.plan(observed, [await wanted(tunnel, hubLiterals, observed, signal)])
  return { ...plan, warnings: [...plan.warnings, ...(await misfits(tunnel, observed))] }
}

/** What of agent.yaml does not fit the networks of the machine that the tunnel ends on. */
async function misfits(
  { config, localNetworks = readLocalNetworks }: HomeTunnel,
  { networks }: Observation,
): Promise<readonly string[]> {
  const { router, lan, hub, interface: name } = config
  if (router.kind !== 'linux') return routerLanWarnings(lan, networks)
  return lanWarnings(lan, hub.network, await localNetworks(name))
}

/** The hub's addresses: without DNS, and where none is remembered, the one to which the tunnel sends. */
async function literalsOf(tunnel: HomeTunnel, signal: AbortSignal): Promise<readonly string[]> {
  const { hubLiterals, config, stateDir, uplink, adapter } = tunnel
  if (hubLiterals !== undefined) return hubLiterals
  try {
    return await hubAddresses(config.hub.addresses, stateDir, signal)
  } catch (thrown) {
    if (!(thrown instanceof Problem) || thrown.code !== 'name-unresolved') throw thrown
    const proven = provenAddress(config.hub, uplink)
    if (proven !== null) return [proven]
    const used = hubIn(await adapter.observe(signal), config)?.endpoint ?? null
    // The TLS transport's is a port of this machine, also of an agent before this one.
    if (used === null || isOwnAddress(used.address)) throw thrown
    return [used.address]
  }
}

function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === address))
}

/** The hub as a peer of the observed interface. */
function hubIn(observed: Observation, { interface: name, hub }: TunnelConfig): PeerState | undefined {
  return tunnelIn(observed, name)?.peers.find((one) => one.publicKey === hub.publicKey)
}

async function wanted(
  tunnel: HomeTunnel,
  hubLiterals: readonly string[],
  observed: Observation,
  signal: AbortSignal,
): Promise<TunnelSpec> {
  const { config, uplink, transport, start = null, isLiving } = tunnel
  const endpoints = { hubLiterals, transport, start }
  const endpoint = hubIn(observed, config)?.endpoint ?? null
  const isKnown = endpoint !== null && isKnownEndpoint(config.hub, endpoints, endpoint, uplink)
  const current = endpoint === null ? null : { endpoint, isLiving: !isKnown && (await isLiving?.(signal)) === true }
  const spec = tunnelSpec(config, endpoints, current, uplink, ownAddresses(config.interface))
  return tunnel.isDark === true ? { ...spec, pastVpn: hubLiterals } : spec
}
