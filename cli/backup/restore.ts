import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type Backup, openBackup } from '../../backup/backup.ts'
import type { Manifest } from '../../backup/manifest.ts'
import { freshFolder, layAside, writeBackup } from '../../backup/put-back.ts'
import { agentConfigPath } from '../../agent/settings/config.ts'
import { agentSocketPath } from '../../agent/settings/socket-path.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { makeFolder } from '../../system/files/atomic-file.ts'
import { isThere } from '../../system/files/is-there.ts'
import { handOver } from '../../system/files/hand-over.ts'
import { askLocal } from '../../system/sockets/local-socket.ts'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { orNoRoot } from '../or-no-root.ts'
import { printFacts, tell } from '../output.ts'
import { howToStart } from '../side/how-to-start.ts'
import { contentText } from './content-text.ts'
import { describedMachine } from './described-machine.ts'
import { knownPassphrase, type PassphraseOptions } from './passphrase.ts'
import { startedService } from '../side/started-service.ts'
import { whereTheHubIs } from './where-the-hub-is.ts'

export interface RestoreOptions extends PassphraseOptions {
  readonly list?: boolean
  readonly replace?: boolean
}

/** `homeward restore FILE`. Whatever fails before the last question: nothing was changed. */
export async function restore(context: Context, file: string, options: RestoreOptions): Promise<void> {
  const { list = false, replace = false } = options
  const what = `restoring ${file === '-' ? 'a backup' : file}`
  const sealed = await sealedIn(file, what)
  const backup = await openBackup(sealed, await knownPassphrase(options, what), file)
  const { manifest, files } = backup
  if (list) return printFacts(context, { backup: manifest, files: files.map(({ path }) => path) }, listText)
  await orNoRoot(async () => {
    await requireNobodyRuns(context, what)
    await requireRoom(context, replace, what)
    await requireWhole(context, backup, what)
    const notes = manifest.role === 'hub' ? await whereTheHubIs(manifest) : []
    tell([`homeward restore will make this machine ${contentText(manifest)}.`, ...notes].join('\n\n'))
    if (!(await confirm(context, 'Go ahead?', what))) return tell('Nothing was changed.')
    const aside = await layAside(context, new Date())
    await writeBackup(backup, context)
    // Whatever root has made in the folders of the service's user.
    for (const folder of [context.configDir, context.stateDir]) await handOver(folder)
    const started = await startedService(manifest.role)
    const done = await doneText(manifest, aside, started)
    printFacts(context, { backup: manifest, aside, started, notes }, () => done)
  })
}

async function sealedIn(file: string, what: string): Promise<Uint8Array> {
  try {
    return file === '-' ? await buffer(process.stdin) : await readFile(file)
  } catch (thrown) {
    throw new Problem('config-unreadable', { what, why: reasonOf(thrown), cause: thrown })
  }
}

/** @throws {Problem} `already-running`: it would write its own files over those that come. */
async function requireNobodyRuns(context: Context, what: string): Promise<void> {
  for (const [socket, unit] of [
    [agentSocketPath(context.runtimeDir), 'homeward'],
    [hubPaths(context).socket, 'homeward-hub'],
  ] as const)
    if ((await askLocal(socket, 'status', null).catch(() => 'somebody')) !== null)
      throw new Problem('already-running', {
        what,
        why: `${unit} runs on this machine`,
        next: `Stop it first: sudo systemctl stop ${unit}. A tunnel that is up stays up meanwhile`,
      })
}

/** @throws {Problem} `already-set-up`. */
async function requireRoom(context: Context, replace: boolean, what: string): Promise<void> {
  if (replace) return
  for (const [path, role] of [
    [agentConfigPath(context.configDir), 'home'],
    [hubPaths(context).config, 'hub'],
  ] as const)
    if (await isThere(path))
      throw new Problem('already-set-up', { what, why: `this machine is a ${role} already: there is ${path}` })
}

/** Reads the backup as the daemon will, from a folder of its own. @throws {Problem} `backup-invalid`. */
async function requireWhole(context: Context, backup: Backup, what: string): Promise<void> {
  await makeFolder(context.stateDir)
  const place = await freshFolder(context.stateDir)
  try {
    const folders = { ...context, configDir: join(place, 'config'), stateDir: join(place, 'state') }
    await writeBackup(backup, folders)
    await describedMachine(folders, backup.manifest.role)
  } catch (thrown) {
    if (!(thrown instanceof Problem) || thrown.code === 'write-failed') throw thrown
    const why = `this version cannot use what is in it: ${thrown.why.replaceAll(`${place}/`, '')}`
    throw new Problem('backup-invalid', { what, why, cause: thrown })
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

function listText({ backup, files }: { readonly backup: Manifest; readonly files: readonly string[] }): string {
  return [`It has ${contentText(backup)}:`, ...files.map((path) => `  ${path}`)].join('\n')
}

async function doneText({ role }: Manifest, aside: readonly string[], started: boolean): Promise<string> {
  return [
    ...(aside.length === 0 ? [] : [`What was here is in ${aside.join(' and ')}.`]),
    started
      ? `This machine is that ${role} again, and its service runs: homeward ${role === 'hub' ? 'hub status' : 'status'}`
      : `This machine is that ${role} again. Start it: ${await howToStart(role)}`,
  ].join('\n')
}
