import type { Adapter } from '../../adapters/adapter.ts'
import type { Observation } from '../../adapters/observation.ts'
import type { Plan } from '../../adapters/step.ts'
import { refuseUnlessSafe } from '../../adapters/apply.ts'
import type { JoinToken } from '../../protocol/token.ts'
import { refuseMappedTwice, refuseOverlaps } from '../lan/lan.ts'
import { readLocalNetworks } from '../lan/local-networks.ts'
import { crowdedNotes, mappedPrefixes } from '../lan/mapped-lan.ts'
import { UNKNOWN_UPLINK } from '../memory/uplink-memory.ts'
import { hubAddresses } from '../registrar/hub-addresses.ts'
import { keyMakerOf } from '../secrets/key-maker.ts'
import { draftSecrets } from '../secrets/secrets.ts'
import { type AgentConfig, type LanMode, type RouterConfig, tunnelsOf } from '../settings/config.ts'
import type { AgentPaths } from '../settings/paths.ts'
import { tunnelSpec } from '../tunnel/plan/tunnel-spec.ts'
import type { RouterChoice } from './choose-router.ts'
import { explainOverlap } from './explain-overlap.ts'
import { type Admission, previewJoin } from './join-request.ts'
import { joinedConfig } from './joined-config.ts'

export interface JoinOptions {
  readonly token: string
  /** The LAN's prefixes, canonical. Empty: those of the invitation, or those found here. */
  readonly lan: readonly string[]
  /** Prefixes that the hub shall know by others of the same length. */
  readonly seenAs: Readonly<Record<string, string>>
  readonly lanMode: LanMode
  readonly economy: boolean
  readonly interface: string
  readonly router: RouterChoice
}

/** A join that has not changed anything yet. */
export interface PreparedJoin {
  readonly paths: AgentPaths
  readonly options: JoinOptions
  readonly router: RouterConfig
  readonly token: JoinToken
  readonly adapter: Adapter
  readonly admission: Admission
  /** The configuration, with a key that nobody keeps, where a router will make it. */
  readonly config: AgentConfig
  readonly plan: Plan
}

/**
 * Asks the hub what a join would get, and plans the tunnel by that. Changes nothing, here or there.
 * @throws {Problem} the hub's own, `lan-unclear`, `lan-overlaps`, or the plan's refusal.
 */
export async function prepareJoin(
  join: Omit<PreparedJoin, 'admission' | 'config' | 'plan'>,
  observed: Observation,
  signal: AbortSignal,
): Promise<PreparedJoin> {
  const { options, token, router, adapter } = join
  const { configDir, stateDir } = join.paths
  const local = await readLocalNetworks(options.interface)
  const secrets = await draftSecrets(configDir, keyMakerOf(router))
  const admission = await previewJoin(
    token,
    secrets,
    mappedPrefixes({ prefixes: [...options.lan], seenAs: { ...options.seenAs } }),
    local,
    signal,
  ).catch(async (thrown: unknown) => {
    throw await explainOverlap(thrown, token, secrets, options.lan, local, signal)
  })
  const config = joinedConfig(token, admission.answer, admission.host, admission.publicKey, { ...options, router })
  const [tunnel] = tunnelsOf(config)
  const { addresses, network } = tunnel.hub
  const hubLiterals = await hubAddresses(addresses, stateDir, signal)
  refuseOverlaps(config.lan.prefixes, { network, hubLiterals, local })
  refuseMappedTwice(config.lan)
  const plan = adapter.plan(observed, [tunnelSpec(tunnel, { hubLiterals, transport: null }, null, UNKNOWN_UPLINK)])
  refuseUnlessSafe(plan)
  const warnings = [...plan.warnings, ...crowdedNotes(config.lan)]
  return { ...join, admission, config, plan: { ...plan, warnings } }
}
