import { constants } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readAlertSettings } from '../../alerts/settings/read-settings.ts'
import { agentConfigPath, readAgentConfigFile } from '../../agent/settings/config.ts'
import { readHubConfig } from '../../hub/settings/config.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import { newerStorePath, takeStoreBack } from '../../hub/store/store-of-before.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import type { Context } from '../context.ts'
import { tell } from '../output.ts'
import { keepWentBack } from './went-back.ts'

export interface SettingsBackOptions {
  readonly newer: string
  readonly why: string
}

/**
 * `homeward settings-back FOLDER`, for an upgrade that goes back: what the newer version has written in a form that this
 * one does not read is put back as it was, beside a copy of the newer form. What this one reads stays, with all that has
 * changed since. Nobody may be running.
 * @param folder `config` and `state` as they were before the upgrade; root's alone. @param version of this homeward.
 */
export async function settingsBack(
  context: Context,
  folder: string,
  { newer, why }: SettingsBackOptions,
  version: string,
): Promise<void> {
  const { configDir, stateDir } = context
  const [oldConfig, oldState] = [join(folder, 'config'), join(folder, 'state')]
  // What its owner wrote wrong is no newer form.
  for (const [name, read] of SETTINGS)
    if (
      await fileBack(
        configDir,
        oldConfig,
        name,
        async () => !(await isGood(read, configDir)) && isGood(read, oldConfig),
      )
    )
      tell(`homeward: ${join(configDir, name)} is as homeward ${version} had it; the newer form is in ${name}.newer`)
  await storeBack(context, oldState, version)
  for (const name of await memories(oldState))
    if (await fileBack(stateDir, oldState, name, () => isOfNewerSchema(stateDir, oldState, name)))
      tell(
        `homeward: ${join(stateDir, name)} is as homeward ${version} had it; what was learned since is in ${name}.newer`,
      )
  await keepWentBack(stateDir, { version: newer || 'of an unknown version', at: new Date().toISOString(), why })
}

/** Each reader takes the folder. */
const SETTINGS: readonly (readonly [string, (folder: string) => Promise<unknown>])[] = [
  ['agent.yaml', (folder) => readAgentConfigFile(agentConfigPath(folder))],
  ['hub.yaml', (folder) => readHubConfig(join(folder, 'hub.yaml'))],
  ['alerts.yaml', readAlertSettings],
]

async function storeBack(context: Context, oldState: string, version: string): Promise<void> {
  const { config, store } = hubPaths(context)
  if (!(await isPlain(config)) || !(await isPlain(join(oldState, 'store.json')))) return
  const back = await takeStoreBack(store, join(oldState, 'store.json'))
  if (back === null) return
  tell(`homeward: ${store} is in the form of homeward ${version}; the newer form is in ${newerStorePath(store)}`)
  if (back.removed.length > 0) tell(`homeward: removed since, and not back: ${back.removed.join(', ')}`)
  if (back.returned.length > 0)
    tell(
      `homeward: back, though the newer store has none of its kind: ${back.returned.join(', ')}. Remove again what is to be gone`,
    )
  if (back.lost.length > 0) tell(`homeward: added since, and to be added again: ${back.lost.join(', ')}`)
}

/** What daemons remember, as names in the state folder; the store and its generations apart. */
async function memories(oldState: string): Promise<readonly string[]> {
  const names = await readdir(oldState).catch(() => [])
  return names.filter((name) => name.endsWith('.json') && !name.startsWith('store.')).sort()
}

/** A daemon takes another schema for never known, and would begin without what it knew. */
async function isOfNewerSchema(stateDir: string, oldState: string, name: string): Promise<boolean> {
  const [present, old] = [await schemaOf(join(stateDir, name)), await schemaOf(join(oldState, name))]
  return present !== null && old !== null && present > old
}

async function schemaOf(path: string): Promise<number | null> {
  const text = await plainText(path)
  if (text === null) return null
  try {
    const { schema } = JSON.parse(text) as { readonly schema?: unknown }
    return typeof schema === 'number' ? schema : null
  } catch {
    return null
  }
}

/**
 * Puts a file back that is there in another form; one that is gone stays gone, as after a leave.
 * @returns whether it did. @throws {Problem} `write-failed`.
 */
async function fileBack(
  folder: string,
  oldFolder: string,
  name: string,
  isOther: () => Promise<boolean>,
): Promise<boolean> {
  const old = await plainText(join(oldFolder, name))
  const present = await plainText(join(folder, name))
  if (old === null || present === null || old === present || !(await isOther())) return false
  await writeFileAtomic(join(folder, `${name}.newer`), present)
  await writeFileAtomic(join(folder, name), old)
  return true
}

async function isGood(read: (folder: string) => Promise<unknown>, folder: string): Promise<boolean> {
  return await read(folder).then(
    () => true,
    () => false,
  )
}

async function isPlain(path: string): Promise<boolean> {
  return await lstat(path).then(
    (seen) => seen.isFile(),
    () => false,
  )
}

/** Root reads here what the services' user owns, who may have put a link or a pipe there: neither is followed or waited for. */
async function plainText(path: string): Promise<string | null> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(() => null)
  if (file === null) return null
  try {
    return (await file.stat()).isFile() ? await file.readFile('utf8') : null
  } finally {
    await file.close()
  }
}
