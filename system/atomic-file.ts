import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Problem, reasonOf } from '../problems/problem.ts'
import { ownLikeFolder } from './own-like-folder.ts'

/**
 * Replaces a file so that a crash or a full disk leaves the old one whole: new 0600 file, fsync, rename, fsync of
 * the folder. A file belongs to whom its folder belongs, so what root writes stays readable to the service's user.
 * @throws {Problem} `write-failed`; the old file is untouched then.
 */
export async function writeFileAtomic(path: string, content: string): Promise<void> {
  const folder = dirname(path)
  const fresh = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}`)
  try {
    await writeDurably(fresh, content)
    await ownLikeFolder(fresh)
    await rename(fresh, path)
    await syncFolder(folder)
  } catch (thrown) {
    await rm(fresh, { force: true }).catch(() => undefined)
    throw new Problem('write-failed', { what: `writing ${path}`, why: reasonOf(thrown), cause: thrown })
  }
}

/** Makes a folder (0700 where new) with its parents. @throws {Problem} `write-failed`. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (thrown) {
    throw new Problem('write-failed', { what: `making the folder ${path}`, why: reasonOf(thrown), cause: thrown })
  }
}

/** Removes what killed writers left half written there; nobody may be writing. What cannot be removed stays. */
export async function removeTornWrites(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names.filter((one) => TORN.test(one))) await rm(join(folder, name)).catch(() => undefined)
}

/** `.NAME.` and six bytes in hex. */
const TORN = /^\..+\.[0-9a-f]{12}$/

async function writeDurably(path: string, content: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
