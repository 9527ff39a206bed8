import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { writeFailure } from '../problems/write-failure.ts'
import { makeFolder, writeFileAtomic } from '../system/files/atomic-file.ts'
import type { Backup } from './backup.ts'
import { type BackedUpFolders, placeOf } from './gather.ts'

/** The file that makes a machine a home or a hub; it comes last, so that half a restore is no role. */
const ROLE_FILE = { home: 'config/agent.yaml', hub: 'config/hub.yaml' } as const

/** Writes a backup's files into folders that need not be there yet. @throws {Problem} `write-failed`. */
export async function writeBackup(
  { manifest, files }: Backup,
  { configDir, stateDir }: BackedUpFolders,
): Promise<void> {
  const last = ROLE_FILE[manifest.role]
  const inOrder = [...files.filter(({ path }) => path !== last), ...files.filter(({ path }) => path === last)]
  await makeFolder(configDir)
  await makeFolder(stateDir)
  for (const { path, bytes } of inOrder) {
    const place = placeOf(path, configDir, stateDir)
    await makeFolder(dirname(place))
    await writeFileAtomic(place, bytes)
  }
}

/**
 * Lays aside what is in the folders, into a folder of each: nothing of two set-ups gets mixed, and nothing is lost.
 * @returns where it is now.
 * @throws {Problem} `write-failed`.
 */
export async function layAside({ configDir, stateDir }: BackedUpFolders, now: Date): Promise<readonly string[]> {
  const name = `before-restore-${now.toISOString().replaceAll(/[:.]/g, '-')}`
  const aside: string[] = []
  for (const folder of [configDir, stateDir]) {
    const names = (await readdir(folder).catch(() => [])).filter((one) => !one.startsWith('before-restore-'))
    if (names.length === 0) continue
    const place = join(folder, name)
    try {
      await mkdir(place, { mode: 0o700 })
      // What makes the machine a home or a hub goes first, so that it is neither while the rest moves.
      for (const one of names.toSorted((a, b) => rank(a) - rank(b))) await rename(join(folder, one), join(place, one))
    } catch (thrown) {
      throw writeFailure(`laying aside what is in ${folder}`, place, thrown)
    }
    aside.push(place)
  }
  return aside
}

function rank(name: string): number {
  return Object.values(ROLE_FILE).some((path) => basename(path) === name) ? 0 : 1
}

/** A folder beside another, on the same disk, for what is not in force yet. Whatever is left of an earlier one goes. */
export async function freshFolder(beside: string): Promise<string> {
  const place = join(beside, '.restoring')
  await rm(place, { recursive: true, force: true })
  await makeFolder(place)
  return place
}
