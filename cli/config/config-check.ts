import { basename, join } from 'node:path'
import { readAgentConfigFile } from '../../agent/settings/config.ts'
import { readAlertSettingsFile } from '../../alerts/settings/read-settings.ts'
import { readHubConfig } from '../../hub/settings/config.ts'
import { Problem } from '../../problems/problem.ts'
import { isThere } from '../../system/files/is-there.ts'
import type { Context } from '../context.ts'
import { orNoRoot } from '../or-no-root.ts'
import { printFacts } from '../output.ts'

/** The files, each with the reader of the daemon that takes it: what one says here, the other would. */
const READERS: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  'agent.yaml': readAgentConfigFile,
  'hub.yaml': readHubConfig,
  'alerts.yaml': readAlertSettingsFile,
}

interface Checked {
  readonly path: string
  /** Why it would not be taken; null: it would. */
  readonly problem: { readonly code: string; readonly why: string } | null
}

/** `homeward config check [FILE]`. Exit status 1 where a file would not be taken. */
export async function configCheck(context: Context, file: string | null): Promise<void> {
  const checked = await orNoRoot(() => (file === null ? checkAll(context) : checkOne(file).then((one) => [one])))
  printFacts(context, { files: checked }, text)
  if (checked.some(({ problem }) => problem !== null)) process.exitCode = 1
}

/** @throws {Problem} `config-missing`. */
async function checkAll({ configDir }: Context): Promise<readonly Checked[]> {
  const checked: Checked[] = []
  for (const name of Object.keys(READERS))
    if (await isThere(join(configDir, name))) checked.push(await checkOne(join(configDir, name)))
  if (checked.length > 0) return checked
  throw new Problem('config-missing', {
    what: 'checking the settings',
    why: `${configDir} has none of ${Object.keys(READERS).join(', ')}`,
    next: 'Name the file, or run this at a home that has joined, or on the hub',
  })
}

/** @throws {Problem} `wrong-usage`, `config-unreadable`. */
async function checkOne(path: string): Promise<Checked> {
  // A copy to be tried may be called hub.yaml.new.
  const name = Object.keys(READERS).find((one) => basename(path).startsWith(one))
  const read = name === undefined ? undefined : READERS[name]
  if (read === undefined)
    throw new Problem('wrong-usage', {
      what: `checking ${path}`,
      why: 'its name does not say which settings it has',
      next: `Let it begin with ${Object.keys(READERS).join(', or ')}`,
    })
  try {
    await read(path)
    return { path, problem: null }
  } catch (thrown) {
    if (!(thrown instanceof Problem) || !['config-invalid', 'secret-exposed'].includes(thrown.code)) throw thrown
    return { path, problem: { code: thrown.code, why: thrown.why } }
  }
}

function text({ files }: { readonly files: readonly Checked[] }): string {
  return files
    .map(({ path, problem }) =>
      problem === null ? `${path}: will be taken` : `${path}: will not be taken. ${problem.why}`,
    )
    .join('\n')
}
