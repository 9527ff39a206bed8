import type { Plan } from '../../adapters/step.ts'
import { lookFirst } from '../tunnel/plan/look-first.ts'
import { Problem } from '../../problems/problem.ts'
import { type JoinToken, parseToken } from '../../protocol/token.ts'
import { stampOf } from '../../system/files/file-stamp.ts'
import type { Clock } from '../../system/time/clock.ts'
import { type Credentials, keepLogin } from '../secrets/router-login.ts'
import { keepRouterPassword } from '../secrets/router-password.ts'
import { type AgentConfig, agentConfigPath, leavingConfigPath, type RouterConfig } from '../settings/config.ts'
import type { AgentPaths } from '../settings/paths.ts'
import { openAdapter } from '../tunnel/plan/open-adapter.ts'
import { chooseRouter, type RouterIdentity } from './choose-router.ts'
import { applyJoin } from './join-apply.ts'
import { type JoinOptions, prepareJoin } from './join-plan.ts'
import type { Joined } from './make-tunnel.ts'
import { requireRoot } from './require-root.ts'

/** How a join talks to the person who started it. */
export interface JoinEffects {
  /** Whether this is the router's own certificate or host key; nothing of ours was sent to it yet. */
  readonly trust: (shown: RouterIdentity) => Promise<boolean>
  /** Shown before anything is changed; the join goes on when the answer is yes. */
  readonly agree: (config: AgentConfig, plan: Plan) => Promise<boolean>
  readonly tell: (uplink: string) => void
}

/**
 * Joins a hub: keys made where they are used, the plan shown, applied, the tunnel proven by an answered heartbeat, or
 * everything undone. Killed in between, it can be run again with the same token; once agent.yaml is written, the agent
 * finishes the work automatically.
 * @returns null when the person did not agree.
 * @throws {Problem} after undoing what was done.
 */
export async function joinHome(
  paths: AgentPaths,
  options: JoinOptions,
  effects: JoinEffects,
  clock: Clock,
  signal: AbortSignal,
): Promise<Joined | null> {
  const token = parseToken(options.token)
  requireRoot('joining the hub')
  await refuseSecondJoin(paths.configDir)
  try {
    const router = await chooseRouter(options.router, effects.trust, signal)
    return router === null ? null : await joinBy(router, paths, options, token, effects, clock, signal)
  } catch (thrown) {
    // Failures due to the interruption are not told: the person knows why the join ended.
    if (!signal.aborted) throw inTermsOfJoin(thrown)
    throw new Problem('interrupted', { what: 'joining the hub', why: 'it was interrupted', cause: thrown })
  }
}

/** Rewrites advice: a join that failed is undone, and there is nothing to apply. */
function inTermsOfJoin(thrown: unknown): unknown {
  if (!(thrown instanceof Problem)) return thrown
  const { code, what, why } = thrown
  const next = thrown.next.replace('run homeward apply', 'run the same homeward join again')
  return next === thrown.next ? thrown : new Problem(code, { what, why, next, cause: thrown })
}

async function joinBy(
  router: RouterConfig,
  paths: AgentPaths,
  options: JoinOptions,
  token: JoinToken,
  effects: JoinEffects,
  clock: Clock,
  signal: AbortSignal,
): Promise<Joined | null> {
  const { router: choice } = options
  const login = choice.kind === 'linux' ? null : { credentials: choice.credentials }
  const adapter = await openAdapter(router, paths, login === null ? undefined : () => login.credentials)
  try {
    await adapter.describe(signal)
    const observed = await lookFirst(adapter, options.interface, { tell: effects.tell, clock, signal })
    const prepared = await prepareJoin({ paths, options, router, token, adapter }, observed, signal)
    if (!(await effects.agree(prepared.config, prepared.plan))) return null
    const keep = async (): Promise<void> => {
      if (login !== null) login.credentials = await keepCredentials(paths.configDir, router, login.credentials, signal)
    }
    return await applyJoin(prepared, keep, effects.tell, clock, signal)
  } finally {
    await adapter.close()
  }
}

/** @returns the credentials to use from now on. */
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

/** @throws {Problem} `already-joined` when an unfinished leave is on this machine. */
export async function refuseWhileLeaving(configDir: string, what: string): Promise<void> {
  if ((await stampOf(leavingConfigPath(configDir))) === 'gone') return
  throw new Problem('already-joined', {
    what,
    why: 'this machine began to leave a hub and did not end',
    next: 'Run homeward leave to end that, then join again',
  })
}

/** @throws {Problem} `already-joined`. */
export async function refuseSecondJoin(configDir: string): Promise<void> {
  const what = 'joining the hub'
  await refuseWhileLeaving(configDir, what)
  if ((await stampOf(agentConfigPath(configDir))) !== 'gone')
    throw new Problem('already-joined', { what, why: `there is ${agentConfigPath(configDir)} already` })
}
