import { readFile } from 'node:fs/promises'
import type { Adapter } from '../../adapters/adapter.ts'
import type { Plan } from '../../adapters/step.ts'
import { refuseUnlessSafe } from '../../adapters/apply.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import { lookFirst } from '../tunnel/plan/look-first.ts'
import { catalogue } from '../../problems/catalogue.ts'
import { Problem } from '../../problems/problem.ts'
import { type JoinToken, parseToken } from '../../protocol/token.ts'
import type { Clock } from '../../system/time/clock.ts'
import { makeRuntimeFolder, withChangeLock } from '../settings/change-lock.ts'
import { type AgentConfig, agentConfigPath, tunnelsOf, readAgentConfig, type RouterConfig } from '../settings/config.ts'
import { rejoinedConfigText } from '../settings/config-text.ts'
import { hubAddresses } from '../registrar/hub-addresses.ts'
import { type JoinEffects, refuseWhileLeaving } from './join.ts'
import { type Admission, previewLan } from './join-request.ts'
import type { JoinStage } from './join-undo.ts'
import { explainOverlap } from './explain-overlap.ts'
import { rejoinedConfig } from './joined-config.ts'
import { keyMakerOf } from '../secrets/key-maker.ts'
import { refuseMappedTwice, refuseOverlaps } from '../lan/lan.ts'
import { readUplink } from '../memory/uplink-memory.ts'
import { readLocalNetworks } from '../lan/local-networks.ts'
import { type Joined, makeTunnel } from './make-tunnel.ts'
import { openAdapter } from '../tunnel/plan/open-adapter.ts'
import type { AgentPaths } from '../settings/paths.ts'
import { hubInForce, readHubIdentity } from '../settings/hub-identity.ts'
import { readPlace } from '../settings/place.ts'
import { requireRoot } from './require-root.ts'
import { readRotatedKey, withKey } from '../secrets/rotated-key.ts'
import { type Credentials, routerKeyPath } from '../secrets/router-login.ts'
import { routerPasswordPath } from '../secrets/router-password.ts'
import { crowdedNotes, mappedPrefixes } from '../lan/mapped-lan.ts'
import { draftSecrets, keepSecrets } from '../secrets/secrets.ts'
import { joiningAgainPath, makeStaging, type PresentHome, takeOver, undoAgain } from './take-over.ts'
import { tunnelSpec } from '../tunnel/plan/tunnel-spec.ts'

export interface JoinedAgain extends Joined {
  /** The configuration of this home until now. */
  readonly before: AgentConfig
  /** An agent runs here, and continues with the new tunnel. */
  readonly isWatched: boolean
}

interface PreparedAgain {
  readonly paths: AgentPaths
  readonly staging: string
  readonly present: PresentHome
  readonly token: JoinToken
  readonly adapter: Adapter
  readonly admission: Admission
  readonly config: AgentConfig
  readonly plan: Plan
  /** When the interface last shook hands, as `wg` says: with the hub that it had, which may be the same. */
  readonly handshakeBefore: number | null
}

/**
 * Joins once more, the same hub or another one, with this home's settings: its secrets, its place in the hub's network
 * and the hub are new; everything else in agent.yaml stays, and so does what the line has taught. The old tunnel
 * becomes the new one and is proven, or everything is as before. A running agent takes the new tunnel over. Killed in
 * between, it can be run again with the same token.
 * @returns null when the person did not agree.
 * @throws {Problem} after undoing what was done; `config-missing` where there is no home yet.
 */
export async function joinAgain(
  paths: AgentPaths,
  tokenText: string,
  effects: Pick<JoinEffects, 'agree' | 'tell'>,
  clock: Clock,
  signal: AbortSignal,
): Promise<JoinedAgain | null> {
  const what = 'joining the hub again'
  const token = parseToken(tokenText)
  requireRoot(what)
  await refuseWhileLeaving(paths.configDir, what)
  const present = await readPresent(paths)
  const staging = joiningAgainPath(paths.configDir)
  const adapter = await openAdapter(
    present.config.router,
    { configDir: staging, stateDir: paths.stateDir },
    keptCredentials(paths.configDir, present.config.router),
  )
  try {
    const prepared = await prepare({ paths, staging, present, token, adapter }, effects.tell, clock, signal)
    if (!(await effects.agree(prepared.config, prepared.plan))) return null
    return await executeRemedy(prepared, effects.tell, clock, signal)
  } catch (thrown) {
    if (!signal.aborted) throw inTermsOfSettings(thrown)
    throw new Problem('interrupted', { what, why: 'it was interrupted', cause: thrown })
  } finally {
    await adapter.close()
  }
}

/** Rewrites advice: what a first join is told by an option, is in agent.yaml here. */
function inTermsOfSettings(thrown: unknown): unknown {
  if (!(thrown instanceof Problem) || thrown.code !== 'lan-overlaps') return thrown
  const { code, what, why } = thrown
  if (thrown.next !== catalogue[code].next) return thrown
  const next =
    'Let the hub know this LAN by other numbers, with seenAs under lan in agent.yaml (such as 192.168.1.0/24: 10.168.1.0/24), or renumber one of the two networks; then run it again'
  return new Problem(code, { what, why, next, cause: thrown })
}

async function readPresent({ configDir, stateDir }: AgentPaths): Promise<PresentHome> {
  const asWritten = await readAgentConfig(configDir)
  const place = await readPlace(stateDir)
  const identity = await readHubIdentity(stateDir)
  const hubs = asWritten.hubs.map((hub, index) => (index === 0 ? hubInForce(hub, place, identity) : hub))
  return {
    config: withKey({ ...asWritten, hubs }, await readRotatedKey(stateDir)),
    text: await readFile(agentConfigPath(configDir), 'utf8'),
    uplink: await readUplink(stateDir),
  }
}

/** The credentials that let the agent into the router so far, and still do. */
function keptCredentials(configDir: string, { kind }: RouterConfig): () => Credentials {
  return () =>
    kind === 'mikrotik'
      ? { kind: 'password', file: routerPasswordPath(configDir) }
      : { kind: 'key', file: routerKeyPath(configDir) }
}

async function prepare(
  again: Omit<PreparedAgain, 'admission' | 'config' | 'plan' | 'handshakeBefore'>,
  tell: (line: string) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<PreparedAgain> {
  const { staging, present, token, adapter } = again
  const { interface: name, lan, router } = present.config
  await adapter.describe(signal)
  const observed = await lookFirst(adapter, name, { tell, clock, signal })
  const local = await readLocalNetworks(name)
  const secrets = await draftSecrets(staging, keyMakerOf(router))
  const admission = await previewLan(token, secrets, mappedPrefixes(lan), signal).catch(async (thrown: unknown) => {
    throw await explainOverlap(thrown, token, secrets, lan.prefixes, local, signal)
  })
  const config = rejoinedConfig(present.config, token, admission)
  const [tunnel] = tunnelsOf(config)
  const { addresses, network } = tunnel.hub
  // Addresses are not remembered there before the folder is made.
  const hubLiterals = await hubAddresses(addresses, staging, signal)
  refuseOverlaps(lan.prefixes, { network, hubLiterals, local })
  refuseMappedTwice(lan)
  const plan = adapter.plan(observed, [tunnelSpec(tunnel, { hubLiterals, transport: null }, null, present.uplink)])
  refuseUnlessSafe(plan)
  const warnings = [...plan.warnings, ...crowdedNotes(lan)]
  const handshakeBefore = tunnelIn(observed, name)?.peers[0]?.lastHandshakeAt ?? null
  return { ...again, admission, config, plan: { ...plan, warnings }, handshakeBefore }
}

async function executeRemedy(
  prepared: PreparedAgain,
  tell: (uplink: string) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<JoinedAgain> {
  const { paths, staging, present, token, adapter, admission, config, handshakeBefore } = prepared
  const begun = new Set<JoinStage>()
  try {
    await makeStaging(staging)
    await makeRuntimeFolder(paths.runtimeDir)
    await keepSecrets(staging, admission.secrets, keyMakerOf(config.router))
    return await withChangeLock(paths.runtimeDir, signal, async () => {
      const joined = await makeTunnel(
        {
          adapter,
          token,
          admission,
          config,
          configBy: (answered) => rejoinedConfig(present.config, token, answered),
          configText: (text) => rejoinedConfigText(present.text, text),
          uplink: present.uplink,
          configDir: staging,
          stateDir: staging,
          wayDir: paths.stateDir,
          handshakeBefore,
        },
        begun,
        tell,
        clock,
        signal,
      )
      // Under the lock: changes that the old agent still wants must not come in between.
      return { ...joined, before: present.config, isWatched: await takeOver(paths, staging, present.config.router) }
    })
  } catch (thrown) {
    tell('Undoing what was done: this home stays as it was.')
    const [{ hub }] = tunnelsOf(config)
    const { addresses: hosts, port, certificate } = hub
    const bearer = `${config.home}.${admission.secrets.homeSecret}`
    await undoAgain({ paths, staging, present, begun, registrar: { hosts, port, certificate }, bearer }, tell)
    throw thrown
  }
}
