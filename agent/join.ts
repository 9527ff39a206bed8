import { rm } from 'node:fs/promises'
import type { Adapter, Observation, Plan } from '../adapters/adapter.ts'
import { refuseUnlessSafe } from '../adapters/apply.ts'
import { Problem } from '../problems/problem.ts'
import { type JoinToken, parseToken } from '../protocol/token.ts'
import { makeFolder, writeFileAtomic } from '../system/atomic-file.ts'
import type { Clock } from '../system/clock.ts'
import { stampOf } from '../system/file-stamp.ts'
import type { Endpoint } from '../wireguard/spec.ts'
import { bringTunnel } from './bring-tunnel.ts'
import { makeRuntimeFolder, withChangeLock } from './change-lock.ts'
import { type AgentConfig, agentConfigPath, firstHub, type LanMode, leavingConfigPath } from './config.ts'
import { agentConfigText } from './config-text.ts'
import { hubAddresses } from './hub-addresses.ts'
import { type Admission, previewJoin, requestJoin } from './join-request.ts'
import { type JoinStage, undoJoin } from './join-undo.ts'
import { joinedConfig } from './joined-config.ts'
import { refuseOverlaps } from './lan.ts'
import { linePath, UNKNOWN_LINE } from './line-memory.ts'
import { readLocalNetworks } from './local-networks.ts'
import { openAdapter } from './open-adapter.ts'
import type { AgentPlaces } from './places.ts'
import { proveTunnel } from './prove.ts'
import { registerHome } from './registration.ts'
import { requireRoot } from './require-root.ts'
import { forgetRotatedKeys } from './rotated-key.ts'
import { draftSecrets, keepSecrets } from './secrets.ts'
import { tunnelSpec } from './tunnel-spec.ts'

export interface JoinOptions {
  readonly token: string
  /** Canonical. Empty: what the invitation says, or what is found here. */
  readonly lan: readonly string[]
  readonly lanMode: LanMode
  readonly economy: boolean
  readonly interface: string
}

/** How a join speaks with the person who started it. */
export interface JoinHands {
  /** Shown before anything is changed; the join goes on when the answer is yes. */
  readonly agree: (config: AgentConfig, plan: Plan) => Promise<boolean>
  readonly tell: (line: string) => void
}

export interface Joined {
  readonly config: AgentConfig
  /** Until the first heartbeat was answered. */
  readonly provenMs: number
  /** Where the hub sees this home; null when it did not say yet. */
  readonly mapping: Endpoint | null
}

/** A join that changes nothing yet. */
interface PreparedJoin {
  readonly token: JoinToken
  readonly admission: Admission
  readonly config: AgentConfig
  readonly plan: Plan
}

/**
 * Joins a hub: keys made here, the plan shown, applied, the tunnel proven by an answered heartbeat, or everything
 * undone. Killed in between, it can be run again with the same token; once agent.yaml is written, the agent ends the
 * work by itself.
 * @returns null when the person did not agree.
 * @throws {Problem} after undoing what was done.
 */
export async function joinHome(
  places: AgentPlaces,
  options: JoinOptions,
  hands: JoinHands,
  clock: Clock,
  signal: AbortSignal,
): Promise<Joined | null> {
  const token = parseToken(options.token)
  requireRoot('joining the hub')
  await refuseSecondJoin(places.configDir)
  const adapter = await openAdapter({ kind: 'linux' }, places)
  try {
    await adapter.describe(signal)
    const observed = await adapter.observe(options.interface, signal)
    refuseUnlessSafe({ refusals: observed.clashes })
    const prepared = await prepare(places, options, token, adapter, observed, signal)
    if (!(await hands.agree(prepared.config, prepared.plan))) return null
    return await carryOut(places, options, prepared, adapter, hands, clock, signal)
  } catch (thrown) {
    // Whatever the interruption made fail: the person knows why it ended.
    if (!signal.aborted) throw thrown
    throw new Problem('interrupted', { what: 'joining the hub', why: 'it was interrupted', cause: thrown })
  } finally {
    await adapter.close()
  }
}

async function prepare(
  { configDir, stateDir }: AgentPlaces,
  options: JoinOptions,
  token: JoinToken,
  adapter: Adapter,
  observed: Observation,
  signal: AbortSignal,
): Promise<PreparedJoin> {
  const local = await readLocalNetworks(options.interface)
  const admission = await previewJoin(token, await draftSecrets(configDir), options.lan, local, signal)
  const config = joinedConfig(token, admission.answer, admission.host, admission.publicKey, options)
  const { addresses, network } = firstHub(config)
  const hubLiterals = await hubAddresses(addresses, stateDir, signal)
  refuseOverlaps(config.lan.prefixes, { network, hubLiterals, local })
  const plan = adapter.plan(observed, tunnelSpec(config, { hubLiterals, carrier: null }, null, UNKNOWN_LINE))
  refuseUnlessSafe(plan)
  return { token, admission, config, plan }
}

async function carryOut(
  places: AgentPlaces,
  options: JoinOptions,
  { token, admission, config }: PreparedJoin,
  adapter: Adapter,
  hands: JoinHands,
  clock: Clock,
  signal: AbortSignal,
): Promise<Joined> {
  const { configDir, stateDir, runtimeDir } = places
  const begun = new Set<JoinStage>()
  const newFolders = await missing([configDir, stateDir])
  try {
    await makeFolder(configDir)
    await makeFolder(stateDir)
    await makeRuntimeFolder(runtimeDir)
    // Another hub, perhaps another line: nothing is known of it.
    await rm(linePath(stateDir), { force: true })
    await forgetRotatedKeys(stateDir)
    begun.add('secrets')
    await keepSecrets(configDir, admission.secrets)
    begun.add('hub')
    // Not the preview's answer: somebody else may have joined since.
    const { answer, host, publicKey } = await requestJoin(token, admission.secrets, config.lan.prefixes, signal)
    const joined = joinedConfig(token, answer, host, publicKey, options)
    begun.add('machine')
    return await withChangeLock(runtimeDir, signal, async () => {
      await writeFileAtomic(agentConfigPath(configDir), agentConfigText(joined))
      await bringTunnel({ adapter, config: joined, stateDir, line: UNKNOWN_LINE, carrier: null }, signal)
      hands.tell('The tunnel is set up; proving it.')
      const { tookMs, mapping } = await proveTunnel(adapter, joined, configDir, clock, signal)
      const registered = await registerHome(
        { configDir, config: joined, reason: 'start', listenPort: null, lastMapping: mapping, hubLiterals: [] },
        signal,
      )
      return { config: joined, provenMs: tookMs, mapping: registered.mapping ?? mapping }
    })
  } catch (thrown) {
    hands.tell('Undoing what was done.')
    const { addresses: hosts, port, certificate } = firstHub(config)
    const bearer = `${config.home}.${admission.secrets.homeSecret}`
    await undoJoin(
      {
        places,
        adapter,
        begun,
        bearer,
        newFolders,
        interface: options.interface,
        registrar: { hosts, port, certificate },
      },
      hands.tell,
    )
    throw thrown
  }
}

async function refuseSecondJoin(configDir: string): Promise<void> {
  const what = 'joining the hub'
  if ((await stampOf(leavingConfigPath(configDir))) !== 'gone')
    throw new Problem('already-joined', {
      what,
      why: 'this machine began to leave a hub and did not end',
      next: 'Run homeward leave to end that, then join again',
    })
  if ((await stampOf(agentConfigPath(configDir))) !== 'gone')
    throw new Problem('already-joined', { what, why: `there is ${agentConfigPath(configDir)} already` })
}

async function missing(folders: readonly string[]): Promise<readonly string[]> {
  const stamps = await Promise.all(folders.map(stampOf))
  return folders.filter((_, index) => stamps[index] === 'gone')
}
