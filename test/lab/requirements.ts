import { existsSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tryCommand } from '../../system/process/run-command.ts'
import { whatBusyboxLacks } from '../fake/openwrt/applets.ts'
import { SOURCE_ROOMS } from '../source-rooms.ts'
import { SHARED_BUNDLES } from './host/bundle.ts'
import { makeLabFolder, removeLeftovers } from './host/leftovers.ts'
import { TEST_TOOLS, whatIsMissing } from './host/tools.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** What dist/ is made of. */
const SOURCES = [...SOURCE_ROOMS, 'web']

/**
 * Before the laboratory's tests: everything they need is there and the built command is that of the sources.
 * @returns what to do after the last of them.
 * @throws {Error} with everything that is missing. Never skips: a test that did not run proves nothing.
 */
export default async function checkRequirements(): Promise<() => Promise<void>> {
  const missing = [...(await whatIsMissing(TEST_TOOLS)), ...(await whatBusyboxLacks())]
  if (missing.length > 0) throw new Error(`the laboratory cannot run here:\n- ${missing.join('\n- ')}`)
  await removeLeftovers()
  const forget = await shareBundles()
  if (!(await isStale())) return forget
  // env -C: the build writes into the folder it is called in.
  const built = await tryCommand('env', ['-C', ROOT, process.execPath, 'build.mjs'], { timeoutMs: 120_000 })
  if (built.exitCode !== 0) throw new Error(`the command under test does not build:\n${built.stderr}`)
  return forget
}

/** The first of a run's projects makes the folder, which the environment names to all workers. */
async function shareBundles(): Promise<() => Promise<void>> {
  if (process.env[SHARED_BUNDLES] !== undefined) return async () => undefined
  const folder = await makeLabFolder()
  process.env[SHARED_BUNDLES] = folder
  return async () => {
    delete process.env[SHARED_BUNDLES]
    await rm(folder, { recursive: true, force: true })
  }
}

async function isStale(): Promise<boolean> {
  const built = join(ROOT, 'dist/homeward.js')
  if (!existsSync(built)) return true
  const builtAt = (await stat(built)).mtimeMs
  const newest = await Promise.all([
    ...SOURCES.map((room) => newestIn(join(ROOT, room))),
    ...['build.mjs', 'package.json'].map(async (file) => (await stat(join(ROOT, file))).mtimeMs),
  ])
  return Math.max(...newest) > builtAt
}

async function newestIn(folder: string): Promise<number> {
  if (!existsSync(folder)) return 0
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts'))
  const times = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).mtimeMs))
  return Math.max(0, ...times)
}
