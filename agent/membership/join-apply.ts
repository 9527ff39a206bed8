import { rm } from 'node:fs/promises'
import { forgetHub } from './forget-hub.ts'
import { undoneRouterPath } from '../secrets/router-login.ts'
import { makeFolder } from '../../system/files/atomic-file.ts'
import { stampOf } from '../../system/files/file-stamp.ts'
import type { Clock } from '../../system/time/clock.ts'
import { keepLastWay } from '../memory/last-way.ts'
import { uplinkPath, UNKNOWN_UPLINK } from '../memory/uplink-memory.ts'
import { keyMakerOf } from '../secrets/key-maker.ts'
import { keepSecrets } from '../secrets/secrets.ts'
import { makeRuntimeFolder, withChangeLock } from '../settings/change-lock.ts'
import { agentConfigText } from '../settings/config-text.ts'
import { forgetFollowedLan } from '../settings/followed-lan.ts'
import { tunnelsOf } from '../settings/config.ts'
import type { PreparedJoin } from './join-plan.ts'
import { type JoinStage, undoJoin } from './join-undo.ts'
import { joinedConfig } from './joined-config.ts'
import { type AgreedJoin, type Joined, makeTunnel } from './make-tunnel.ts'

/**
 * Executes a join that was agreed to, or undoes it.
 * @param keepCredentials keeps what lets the agent into the router from now on.
 * @throws {Problem} after undoing what was done.
 */
export async function applyJoin(
  join: PreparedJoin,
  keepCredentials: () => Promise<void>,
  tell: (uplink: string) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<Joined> {
  const { paths, options, admission, config, adapter } = join
  const { configDir, stateDir, runtimeDir } = paths
  const begun = new Set<JoinStage>()
  const newFolders = await missing([configDir, stateDir])
  try {
    await makeFolder(configDir)
    await makeFolder(stateDir)
    await makeRuntimeFolder(runtimeDir)
    // Another hub, perhaps another line: nothing is known of either.
    await rm(uplinkPath(stateDir), { force: true })
    await keepLastWay(stateDir, null)
    await forgetHub(stateDir)
    await rm(undoneRouterPath(configDir), { force: true })
    await forgetFollowedLan(stateDir)
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
      uplink: UNKNOWN_UPLINK,
      configDir,
      stateDir,
      wayDir: stateDir,
      handshakeBefore: null,
    }
    return await withChangeLock(runtimeDir, signal, () => makeTunnel(agreed, begun, tell, clock, signal))
  } catch (thrown) {
    tell('Undoing what was done.')
    const [{ hub }] = tunnelsOf(config)
    const { addresses: hosts, port, certificate } = hub
    const bearer = `${config.home}.${admission.secrets.homeSecret}`
    await undoJoin(
      {
        paths,
        adapter,
        begun,
        bearer,
        newFolders,
        router: join.router,
        configText: agentConfigText(config),
        registrar: { hosts, port, certificate },
      },
      tell,
    )
    throw thrown
  }
}

async function missing(folders: readonly string[]): Promise<readonly string[]> {
  const stamps = await Promise.all(folders.map(stampOf))
  return folders.filter((_, index) => stamps[index] === 'gone')
}
