import { rm } from 'node:fs/promises'
import type { Adapter } from '../../adapters/adapter.ts'
import type { Observation } from '../../adapters/observation.ts'
import type { Plan } from '../../adapters/step.ts'
import { refuseUnlessSafe } from '../../adapters/apply.ts'
import { Problem } from '../../problems/problem.ts'
import { type JoinToken, parseToken } from '../../protocol/token.ts'
import { makeFolder } from '../../system/files/atomic-file.ts'
import type { Clock } from '../../system/time/clock.ts'
import { stampOf } from '../../system/files/file-stamp.ts'
import { makeRuntimeFolder, withChangeLock } from '../settings/change-lock.ts'
import { chooseRouter, type RouterIdentity, type RouterChoice } from './choose-router.ts'
import {
  type AgentConfig,
  agentConfigPath,
  tunnelsOf,
  type LanMode,
  leavingConfigPath,
  type RouterConfig,
} from '../settings/config.ts'
import { agentConfigText } from '../settings/config-text.ts'
import { hubAddresses } from '../registrar/hub-addresses.ts'
import { type Admission, previewJoin } from './join-request.ts'
import { type JoinStage, undoJoin } from './join-undo.ts'
import { joinedConfig } from './joined-config.ts'
import { keyMakerOf } from '../secrets/key-maker.ts'
import { refuseOverlaps, refuseSeenHere } from '../lan/lan.ts'
import { linePath, UNKNOWN_LINE } from '../memory/line-memory.ts'
import { readLocalNetworks } from '../lan/local-networks.ts'
import { type AgreedJoin, type Joined, makeTunnel } from './make-tunnel.ts'
import { openAdapter } from '../tunnel/open-adapter.ts'
import type { AgentPlaces } from '../settings/places.ts'
import { crowdedNotes, seenPrefixes } from '../lan/seen-lan.ts'
import { requireRoot } from './require-root.ts'
import { forgetRotatedKeys } from '../secrets/rotated-key.ts'
import { type Credentials, keepLogin } from '../secrets/router-login.ts'
import { keepRouterPassword } from '../secrets/router-password.ts'
import { draftSecrets, keepSecrets } from '../secrets/secrets.ts'
import { tunnelSpec } from '../tunnel/tunnel-spec.ts'

export interface JoinOptions {
  readonly token: string
  /** Canonical. Empty: what the invitation says, or what is found here. */
  readonly lan: readonly string[]
  /** Which of them the hub shall know by other numbers of the same length. */
  readonly seenAs: Readonly<Record<string, string>>
  readonly lanMode: LanMode
  readonly economy: boolean
  readonly interface: string
  readonly router: RouterChoice
}

/** How a join speaks with the person who started it. */
export interface JoinHands {
  /** Whether this is the router's own certificate or host key; nothing of ours was sent to it yet. */
  readonly trust: (shown: RouterIdentity) => Promise<boolean>
  /** Shown before anything is changed; the join goes on when the answer is yes. */
  readonly agree: (config: AgentConfig, plan: Plan) => Promise<boolean>
  readonly tell: (line: string) => void
}

/** A join that changes nothing yet. */
interface PreparedJoin {
  readonly places: AgentPlaces
  readonly options: JoinOptions
  readonly router: RouterConfig
  readonly token: JoinToken
  readonly adapter: Adapter
  readonly admission: Admission
  /** With a key that nobody keeps, where a router will make it. */
  readonly config: AgentConfig
  readonly plan: Plan
}

/**
 * Joins a hub: keys made where they are used, the plan shown, applied, the tunnel proven by an answered heartbeat, or
 * everything undone. Killed in between, it can be run again with the same token; once agent.yaml is written, the agent
 * ends the work by itself.
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
  try {
    const router = await chooseRouter(options.router, hands.trust, signal)
    return router === null ? null : await joinBy(router, places, options, token, hands, clock, signal)
  } catch (thrown) {
    // Whatever the interruption made fail: the person knows why it ended.
    if (!signal.aborted) throw thrown
    throw new Problem('interrupted', { what: 'joining the hub', why: 'it was interrupted', cause: thrown })
  }
}

async function joinBy(
  router: RouterConfig,
  places: AgentPlaces,
  options: JoinOptions,
  token: JoinToken,
  hands: JoinHands,
  clock: Clock,
  signal: AbortSignal,
): Promise<Joined | null> {
  const { router: choice } = options
  const login = choice.kind === 'linux' ? null : { credentials: choice.credentials }
  const adapter = await openAdapter(router, places, login === null ? undefined : () => login.credentials)
  try {
    await adapter.describe(signal)
    const observed = await adapter.observe(options.interface, signal)
    refuseUnlessSafe({ refusals: observed.clashes })
    const prepared = await prepare({ places, options, router, token, adapter }, observed, signal)
    if (!(await hands.agree(prepared.config, prepared.plan))) return null
    const keep = async (): Promise<void> => {
      if (login !== null) login.credentials = await keepCredentials(places.configDir, router, login.credentials, signal)
    }
    return await carryOut(prepared, keep, hands, clock, signal)
  } finally {
    await adapter.close()
  }
}

async function prepare(
  join: Omit<PreparedJoin, 'admission' | 'config' | 'plan'>,
  observed: Observation,
  signal: AbortSignal,
): Promise<PreparedJoin> {
  const { options, token, router, adapter } = join
  const { configDir, stateDir } = join.places
  const local = await readLocalNetworks(options.interface)
  const secrets = await draftSecrets(configDir, keyMakerOf(router))
  const admission = await previewJoin(
    token,
    secrets,
    seenPrefixes({ prefixes: [...options.lan], seenAs: { ...options.seenAs } }),
    local,
    signal,
  )
  const config = joinedConfig(token, admission.answer, admission.host, admission.publicKey, { ...options, router })
  const [tunnel] = tunnelsOf(config)
  const { addresses, network } = tunnel.hub
  const hubLiterals = await hubAddresses(addresses, stateDir, signal)
  refuseOverlaps(config.lan.prefixes, { network, hubLiterals, local })
  refuseSeenHere(config.lan, local)
  const plan = adapter.plan(observed, tunnelSpec(tunnel, { hubLiterals, carrier: null }, null, UNKNOWN_LINE))
  refuseUnlessSafe(plan)
  const warnings = [...plan.warnings, ...crowdedNotes(config.lan)]
  return { ...join, admission, config, plan: { ...plan, warnings } }
}

/** @param keepCredentials what lets the agent into the router from now on is kept. */
async function carryOut(
  join: PreparedJoin,
  keepCredentials: () => Promise<void>,
  hands: JoinHands,
  clock: Clock,
  signal: AbortSignal,
): Promise<Joined> {
  const { places, options, admission, config, adapter } = join
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
    await keepCredentials()
    await keepSecrets(configDir, admission.secrets, keyMakerOf(join.router))
    const agreed: AgreedJoin = {
      adapter,
      token: join.token,
      admission,
      config,
      configBy: ({ answer, host, publicKey }) =>
        joinedConfig(join.token, answer, host, publicKey, { ...options, router: join.router }),
      configText: agentConfigText,
      line: UNKNOWN_LINE,
      configDir,
      stateDir,
    }
    return await withChangeLock(runtimeDir, signal, () => makeTunnel(agreed, begun, hands.tell, clock, signal))
  } catch (thrown) {
    hands.tell('Undoing what was done.')
    const [{ hub }] = tunnelsOf(config)
    const { addresses: hosts, port, certificate } = hub
    const bearer = `${config.home}.${admission.secrets.homeSecret}`
    await undoJoin(
      {
        places,
        adapter,
        begun,
        bearer,
        newFolders,
        router: join.router,
        interface: options.interface,
        registrar: { hosts, port, certificate },
      },
      hands.tell,
    )
    throw thrown
  }
}

/** @returns the credentials that count from now on. */
async function keepCredentials(
  configDir: string,
  router: RouterConfig,
  given: Credentials,
  signal: AbortSignal,
): Promise<Credentials> {
  if (router.kind === 'openwrt') return keepLogin(configDir, router, given, signal)
  await keepRouterPassword(configDir, given.file)
  return given
}

/** @throws {Problem} `already-joined` when this machine is half out of a hub. */
export async function refuseWhileLeaving(configDir: string, what: string): Promise<void> {
  if ((await stampOf(leavingConfigPath(configDir))) === 'gone') return
  throw new Problem('already-joined', {
    what,
    why: 'this machine began to leave a hub and did not end',
    next: 'Run homeward leave to end that, then join again',
  })
}

async function refuseSecondJoin(configDir: string): Promise<void> {
  const what = 'joining the hub'
  await refuseWhileLeaving(configDir, what)
  if ((await stampOf(agentConfigPath(configDir))) !== 'gone')
    throw new Problem('already-joined', { what, why: `there is ${agentConfigPath(configDir)} already` })
}

async function missing(folders: readonly string[]): Promise<readonly string[]> {
  const stamps = await Promise.all(folders.map(stampOf))
  return folders.filter((_, index) => stamps[index] === 'gone')
}
