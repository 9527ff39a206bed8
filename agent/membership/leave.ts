import { rename, rm } from 'node:fs/promises'
import { forgetHub } from './forget-hub.ts'
import type { Step } from '../../adapters/step.ts'
import { applyDesired } from '../../adapters/apply.ts'
import { waitOut } from '../tunnel/plan/wait-out.ts'
import { journalPaths, routerOfJournal } from '../../adapters/mikrotik/rollback/journal.ts'
import { asProblem, Problem } from '../../problems/problem.ts'
import { removeTornWrites, writeFileAtomic } from '../../system/files/atomic-file.ts'
import { stampOf } from '../../system/files/file-stamp.ts'
import { systemClock } from '../../system/time/clock.ts'
import { sleep } from '../../system/time/sleep.ts'
import { makeRuntimeFolder, withChangeLock } from '../settings/change-lock.ts'
import { clockPath } from '../memory/clock-guard.ts'
import {
  type AgentConfig,
  agentConfigPath,
  leavingConfigPath,
  readAgentConfigFile,
  type RouterConfig,
  tunnelsOf,
  type TunnelConfig,
  lastGoodConfigPath,
} from '../settings/config.ts'
import { incidentPaths } from '../../alerts/record/incident-log.ts'
import { outboxPath } from '../../alerts/delivery/outbox.ts'
import { lastGoodAlertsPath } from '../../alerts/settings/read-settings.ts'
import { retainedPath } from '../../alerts/transport/retained.ts'
import { retractAll } from '../../alerts/delivery/retract.ts'
import { eventsPath, olderEventsPath } from '../memory/event-log.ts'
import { forgetHome } from './forget-home.ts'
import { hubAddressesPath } from '../registrar/hub-addresses.ts'
import { joiningAgainPath } from './take-over.ts'
import { lastWayPath } from '../memory/last-way.ts'
import { uplinkPath } from '../memory/uplink-memory.ts'
import { openAdapter } from '../tunnel/plan/open-adapter.ts'
import type { AgentPaths } from '../settings/paths.ts'
import { requireRoot } from './require-root.ts'
import { forgetFollowedLan } from '../settings/followed-lan.ts'
import { knownHub } from '../tunnel/plan/known-hub.ts'
import { routerKeyPath, routerOfLogin, takeLoginBack, undoneRouterPath } from '../secrets/router-login.ts'
import { routerPasswordPath } from '../secrets/router-password.ts'
import { homeSecretPath, type SecretFolders } from '../secrets/home-secret.ts'
import { privateKeyPath, readBearer, removeSecrets } from '../secrets/secrets.ts'
import { recheckAgent } from '../settings/recheck-agent.ts'

export interface Left {
  /** The home's name; null when agent.yaml was lost or unreadable. */
  readonly home: string | null
  /** Why the hub could not be told; null when it was. */
  readonly hubNotTold: string | null
  /** The router that was left as it is, because its owner said so; null when nothing is left. */
  readonly routerLeft: string | null
  /** Changes that could not be undone where somebody else's firewall refused it: a sentence each. */
  readonly warnings: readonly string[]
}

export interface LeaveOptions {
  /** Leaves everything on the router as it is: the router is gone, or does not answer any more. */
  readonly forgetRouter: boolean
}

/** How long the agent has to end: it looks at agent.yaml when asked to, and ends within a second or two. */
const AGENT_ENDS_MS = 15_000

/**
 * Leaves the hub: the agent ends, everything of ours on this machine or the router is undone by its marks, the hub
 * forgets us, the secrets are removed. Interrupted anywhere, or with a router that does not answer, it can be run
 * again: what is needed for that stays.
 * @throws {Problem} `no-root`, `config-missing` when there is nothing to leave, `wrong-usage`, or what could not be
 *   undone.
 */
export async function leaveHome(
  paths: AgentPaths,
  { forgetRouter }: LeaveOptions,
  tell: (uplink: string) => void,
  signal: AbortSignal,
): Promise<Left> {
  const { configDir, stateDir, runtimeDir } = paths
  requireRoot('leaving the hub')
  const config = await beginLeaving(configDir, tell)
  const named = config?.router ?? (await routerOfLogin(configDir)) ?? (await routerOfLeftChange(configDir, stateDir))
  if (named === null && !forgetRouter && (await hasRouterLogin(configDir))) throw routerNotNamed()
  await makeRuntimeFolder(runtimeDir)
  if (!(await agentEnds(runtimeDir, signal))) tell('The agent does not stop; going on without it.')
  // Retracted while the tunnel is there: the broker may be at its other end.
  const hadRetained = (await stampOf(retainedPath(stateDir))) !== 'gone'
  for (const broker of await retractAll(stateDir, signal))
    tell(
      `Home Assistant’s broker ${broker} does not answer and keeps showing this home; homeward leave again clears that.`,
    )

  const router = named ?? { kind: 'linux' }
  const warnings: string[] = []
  const routerLeft = router.kind !== 'linux' && forgetRouter ? router.host : null
  let isKeyRefused = false
  if (routerLeft === null) {
    const undone = undo(router, paths, (found) => warnings.push(...found), tell, signal)
    const steps = await undone.catch(async (thrown: unknown): Promise<readonly Step[]> => {
      if (!(thrown instanceof Problem) || thrown.code !== 'router-login-refused') throw thrown
      if (router.kind !== 'openwrt' || !(await isKeyAllThatWas(configDir))) throw thrown
      isKeyRefused = true
      tell(`The router at ${nameOf(router)} does not take homeward’s key any more: there is nothing to undo there.`)
      return []
    })
    if (router.kind === 'openwrt') await writeFileAtomic(undoneRouterPath(configDir), `${router.host}\n`)
    if (config === null && steps.length === 0 && !hadRetained && !(await hasRemains(configDir)))
      throw new Problem('config-missing', {
        what: 'leaving the hub',
        why: 'this machine has not joined one, and nothing of homeward is on it',
      })
  }

  const hubNotTold = await tellHubs(paths, config, signal)
  // The login is taken back last: the router was undone with it.
  if (routerLeft === null && !isKeyRefused) await orHowToLeave(router, () => takeLoginBack(configDir, router, signal))
  await removeSecrets(configDir)
  await forgetHub(stateDir)
  await forgetFollowedLan(stateDir)
  for (const path of [
    lastGoodConfigPath(stateDir),
    lastGoodAlertsPath(stateDir),
    eventsPath(stateDir),
    olderEventsPath(stateDir),
    ...incidentPaths(stateDir),
    outboxPath(stateDir),
    hubAddressesPath(stateDir),
    uplinkPath(stateDir),
    lastWayPath(stateDir),
    clockPath(stateDir),
    // The journal is left over where the router was not asked any more.
    ...journalPaths(stateDir),
  ])
    await rm(path, { force: true })
  await rm(joiningAgainPath(configDir), { recursive: true, force: true })
  await rm(undoneRouterPath(configDir), { force: true })
  for (const folder of [configDir, stateDir]) await removeTornWrites(folder)
  // The renamed agent.yaml goes last: while it is there, an interrupted leave knows how to go on.
  await rm(leavingConfigPath(configDir), { force: true })
  return { home: config?.home ?? null, hubNotTold, routerLeft, warnings }
}

/**
 * Whether an OpenWrt router that does not take the key has nothing of ours. A join ended before the router had the key,
 * without which nothing else is made there; or a leave after the router gave it up, which is the last that is undone.
 */
async function isKeyAllThatWas(configDir: string): Promise<boolean> {
  const [undone, leaving] = await Promise.all([undoneRouterPath(configDir), leavingConfigPath(configDir)].map(stampOf))
  return undone !== 'gone' || leaving === 'gone'
}

function nameOf(router: RouterConfig): string {
  return router.kind === 'linux' ? 'this machine' : router.host
}

/** @throws {Problem} what could not be undone. */
async function undo(
  router: RouterConfig,
  paths: AgentPaths,
  onWarnings: (warnings: readonly string[]) => void,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly Step[]> {
  const adapter = await openAdapter(router, paths)
  try {
    return await orHowToLeave(router, () =>
      withChangeLock(paths.runtimeDir, signal, () =>
        waitOut(() => applyDesired(adapter, [], signal, { onWarnings }), { tell, clock: systemClock, signal }),
      ),
    )
  } finally {
    await adapter.close()
  }
}

/** Runs what needs the router, and says how to leave without it when that fails. */
async function orHowToLeave<Result>(router: RouterConfig, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (thrown) {
    if (router.kind === 'linux') throw thrown
    const { code, what, why, next } = asProblem(thrown, `undoing the tunnel on the router at ${router.host}`)
    throw new Problem(code, {
      what,
      why,
      next: `${next}. Then run homeward leave again; what it needs is kept until then. If the router is gone for good: homeward leave --forget-router`,
      cause: thrown,
    })
  }
}

/** The configuration of this machine's membership, if it can still be read. */
async function beginLeaving(configDir: string, tell: (uplink: string) => void): Promise<AgentConfig | null> {
  const leaving = leavingConfigPath(configDir)
  if ((await stampOf(agentConfigPath(configDir))) !== 'gone') await rename(agentConfigPath(configDir), leaving)
  if ((await stampOf(leaving)) === 'gone') return null
  try {
    return await readAgentConfigFile(leaving)
  } catch (thrown) {
    tell(`agent.yaml cannot be read, so the hub cannot be told: ${asProblem(thrown, 'reading agent.yaml').why}`)
    return null
  }
}

async function agentEnds(runtimeDir: string, signal: AbortSignal): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < AGENT_ENDS_MS && !signal.aborted; waitedMs += 200) {
    // Only whether somebody answers matters, not the answer.
    if ((await recheckAgent(runtimeDir, 5_000)) === null) return true
    await sleep(200, signal)
  }
  return false
}

async function hasRemains(configDir: string): Promise<boolean> {
  const stamps = await Promise.all(
    [
      privateKeyPath(configDir),
      homeSecretPath(configDir),
      routerPasswordPath(configDir),
      routerKeyPath(configDir),
      leavingConfigPath(configDir),
    ].map(stampOf),
  )
  return stamps.some((stamp) => stamp !== 'gone')
}

/** Whether a login is kept: only a home whose tunnel ends on a router keeps one. */
async function hasRouterLogin(configDir: string): Promise<boolean> {
  const stamps = await Promise.all([routerPasswordPath(configDir), routerKeyPath(configDir)].map(stampOf))
  return stamps.some((stamp) => stamp !== 'gone')
}

/** The router on which a join was cut off before it wrote agent.yaml: the journal of its change says which. */
async function routerOfLeftChange(configDir: string, stateDir: string): Promise<RouterConfig | null> {
  if ((await stampOf(routerPasswordPath(configDir))) === 'gone') return null
  const router = await routerOfJournal(stateDir)
  return router === null ? null : { kind: 'mikrotik', ...router }
}

/** The refusal: without agent.yaml nobody knows the router, and without its login nobody could undo it later. */
function routerNotNamed(): Problem {
  return new Problem('config-unreadable', {
    what: 'leaving the hub',
    why: 'the tunnel ends on a router, and agent.yaml, which names it, is missing or damaged. Nothing was removed',
    next: 'Put agent.yaml right in its folder, where leaving calls it agent.yaml.leaving, and run homeward leave again. If the router is gone for good: homeward leave --forget-router',
  })
}

/** @returns why one of the hubs could not be told; null when all were. */
async function tellHubs(
  folders: SecretFolders,
  config: AgentConfig | null,
  signal: AbortSignal,
): Promise<string | null> {
  if (config === null) return 'agent.yaml was missing or unreadable'
  const told = await Promise.all(tunnelsOf(config).map((tunnel) => tellHub(folders, tunnel, signal)))
  return told.find((why) => why !== null) ?? null
}

async function tellHub(
  folders: SecretFolders,
  { home, hub }: TunnelConfig,
  signal: AbortSignal,
): Promise<string | null> {
  const { addresses: hosts, port, certificate } = await knownHub(hub, folders.stateDir)
  try {
    const bearer = await readBearer(folders, home)
    await forgetHome({ hosts, port, certificate }, bearer, { reopenInvite: false }, signal)
    return null
  } catch (thrown) {
    return asProblem(thrown, 'telling the hub').why
  }
}
