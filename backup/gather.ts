import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem, reasonOf } from '../problems/problem.ts'
import type { ArchivedFile } from './archive.ts'
import { belongsIn } from './contents.ts'

/** The folders that a backup is of. */
export interface BackedUpFolders {
  readonly configDir: string
  readonly stateDir: string
}

/** Files are replaced one by one while a daemon runs: how often they are read again until all stayed as they were. */
const READS = 5

/**
 * Reads all files that belong into a backup, as they were together at one moment.
 * @throws {Problem} `config-unreadable`.
 */
export async function gatherFiles({ configDir, stateDir }: BackedUpFolders): Promise<readonly ArchivedFile[]> {
  try {
    for (let read = 1; ; read += 1) {
      const before = await stampsOf(configDir, stateDir)
      const files = await Promise.all(
        [...before.keys()].map(async (path) => ({ path, bytes: await readFile(placeOf(path, configDir, stateDir)) })),
      ).catch((thrown: unknown) => {
        // One that went meanwhile.
        if (read < READS && (thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
        throw thrown
      })
      const after = await stampsOf(configDir, stateDir)
      const stayed = [...after].every(([path, stamp]) => before.get(path) === stamp) && after.size === before.size
      if (files !== null && (stayed || read >= READS)) return files
    }
  } catch (thrown) {
    throw new Problem('config-unreadable', {
      what: 'reading what belongs into a backup',
      why: reasonOf(thrown),
      cause: thrown,
    })
  }
}

/** Where a file of a backup belongs on this machine. */
export function placeOf(path: string, configDir: string, stateDir: string): string {
  const [folder, ...rest] = path.split('/')
  return join(folder === 'config' ? configDir : stateDir, ...rest)
}

async function stampsOf(configDir: string, stateDir: string): Promise<ReadonlyMap<string, string>> {
  const stamps = new Map<string, string>()
  for (const [name, folder] of [
    ['config', configDir],
    ['state', stateDir],
  ] as const)
    await addStamps(stamps, name, folder, '')
  return stamps
}

/** Plain files alone: a link may lead anywhere, and homeward makes none. */
async function addStamps(
  stamps: Map<string, string>,
  name: 'config' | 'state',
  folder: string,
  under: string,
): Promise<void> {
  for (const entry of await readdir(join(folder, under), { withFileTypes: true })) {
    const path = under === '' ? entry.name : `${under}/${entry.name}`
    if (!belongsIn(name, path)) continue
    if (entry.isDirectory()) await addStamps(stamps, name, folder, path)
    if (!entry.isFile()) continue
    const seen = await lstat(join(folder, path)).catch(() => null)
    if (seen !== null) stamps.set(`${name}/${path}`, `${seen.ino} ${seen.size} ${seen.mtimeMs}`)
  }
}
