import { rm, rmdir } from 'node:fs/promises'
import type { Adapter } from '../../adapters/adapter.ts'
import { applyDesired } from '../../adapters/apply.ts'
import type { RegistrarAddress } from '../registrar/ask-registrar.ts'
import { withChangeLock } from '../settings/change-lock.ts'
import { agentConfigPath, leavingConfigPath, type RouterConfig } from '../settings/config.ts'
import { forgetHome } from './forget-home.ts'
import { lastWayPath } from '../memory/last-way.ts'
import { hubAddressesPath } from '../registrar/hub-addresses.ts'
import { removeTornWrites, writeFileAtomic } from '../../system/files/atomic-file.ts'
import type { AgentPaths } from '../settings/paths.ts'
import { takeLoginBack } from '../secrets/router-login.ts'
import { removeRouterAccess, removeSecrets } from '../secrets/secrets.ts'
import { Problem } from '../../problems/problem.ts'
import { undoing } from './undoing.ts'

/** Stages that a join had begun when it failed. */
export type JoinStage = 'secrets' | 'hub' | 'machine'

export interface BegunJoin {
  readonly paths: AgentPaths
  readonly adapter: Adapter
  readonly router: RouterConfig
  readonly begun: ReadonlySet<JoinStage>
  /** agent.yaml as the join would have left it: what leaving needs where the router cannot be undone now. */
  readonly configText: string
  readonly registrar: RegistrarAddress
  /** `HOME.SECRET`. */
  readonly bearer: string
  /** Folders that the join created. */
  readonly newFolders: readonly string[]
}

const UNDO_MS = 40_000

/**
 * Undoes a join, as far as it had come. Each part is tried whatever became of the others, and failures are told. The
 * secrets stay when the hub may still know them: with them the same token works again.
 */
export async function undoJoin(join: BegunJoin, tell: (uplink: string) => void): Promise<void> {
  const { paths, begun, adapter } = join
  // The undo has its own signal: the one that ended the join must not end it.
  const signal = AbortSignal.timeout(UNDO_MS)
  const attempt = undoing(tell)

  const isForgotten =
    !begun.has('hub') ||
    (await attempt('joining the hub', () => forgetHome(join.registrar, join.bearer, { reopenInvite: true }, signal)))
  if (begun.has('machine')) {
    await attempt('writing agent.yaml', () => rm(agentConfigPath(paths.configDir), { force: true }))
    const isUndone = await attempt(nameOf(join.router), () =>
      withChangeLock(paths.runtimeDir, signal, () =>
        applyDesired(adapter, [], signal, {
          onWarnings: (warnings) => warnings.forEach((warning) => tell(`Warning: ${warning}`)),
        }),
      ),
    )
    if (!isUndone && join.router.kind !== 'linux') return leaveToLeave(join, join.router.host, tell)
  }
  const isKeyless = !begun.has('secrets') || (await attempt('giving the router a key', () => takeKeyBack(join, signal)))
  // The key is used again by the next join, or taken away by leaving: the router restarted, or does not answer.
  if (!isKeyless)
    tell('The router may still have the key that it was given. Run the same homeward join again, or homeward leave')
  for (const path of [hubAddressesPath(paths.stateDir), lastWayPath(paths.stateDir)])
    await attempt('writing the state', () => rm(path, { force: true }))
  // A hub that was not reached still knows this home's key. The router has nothing of ours: a login that stayed would say
  // to `homeward leave` that it has.
  const remove = isForgotten ? removeSecrets : removeRouterAccess
  if (begun.has('secrets') && isKeyless) await attempt('writing the secrets', () => remove(paths.configDir))
  for (const folder of [paths.configDir, paths.stateDir]) await removeTornWrites(folder)
  // Only empty folders are removed: somebody else may have put something there.
  for (const folder of join.newFolders) await rmdir(folder).catch(() => undefined)
}

/** A router that refuses the key has none of ours. */
async function takeKeyBack({ paths, router }: BegunJoin, signal: AbortSignal): Promise<void> {
  try {
    await takeLoginBack(paths.configDir, router, signal)
  } catch (thrown) {
    if (!(thrown instanceof Problem) || thrown.code !== 'router-login-refused') throw thrown
  }
}

function nameOf(router: RouterConfig): string {
  return router.kind === 'linux' ? 'changing this machine' : `changing the router at ${router.host}`
}

/**
 * Keeps what `homeward leave` needs to undo the rest, the login above all: the router restarted, or does not answer, and
 * something of ours may be on it.
 */
async function leaveToLeave(
  { paths, configText }: BegunJoin,
  host: string,
  tell: (line: string) => void,
): Promise<void> {
  await writeFileAtomic(leavingConfigPath(paths.configDir), configText)
  tell(`What was made on the router at ${host} may still be there. When it answers again: homeward leave`)
}
