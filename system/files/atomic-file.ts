import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { writeFailure } from '../../problems/write-failure.ts'
import { type Folder, giveToOwner, inFolder } from './folder.ts'

/**
 * Replaces a file so that a crash or a full disk leaves the old one whole: new 0600 file, fsync, rename, fsync of the
 * folder. The new file belongs to the folder's owner, so what root writes stays readable to the service's user.
 * @throws {Problem} `write-failed`; the old file is untouched then.
 */
export async function writeFileAtomic(path: string, content: string | Uint8Array): Promise<void> {
  const name = basename(path)
  try {
    await inFolder(dirname(path), async (folder) => {
      const fresh = folder.at(`.${name}.${randomBytes(6).toString('hex')}`)
      try {
        await writeDurably(fresh, content, folder)
        await rename(fresh, folder.at(name))
      } catch (thrown) {
        await rm(fresh, { force: true }).catch(() => undefined)
        throw thrown
      }
      await folder.sync()
    })
  } catch (thrown) {
    throw writeFailure(`writing ${path}`, path, thrown)
  }
}

/** Makes a folder (0700 where new) with its parents. @throws {Problem} `write-failed`. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (thrown) {
    throw writeFailure(`making the folder ${path}`, path, thrown)
  }
}

/** Removes half-written files that killed writers left; nobody may be writing. Files that cannot be removed stay. */
export async function removeTornWrites(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names.filter((one) => TORN.test(one))) await rm(join(folder, name)).catch(() => undefined)
}

/** The name of a half-written file: `.NAME.` and six bytes in hex. */
const TORN = /^\..+\.[0-9a-f]{12}$/

/** Writes a file that this call makes, or fails: O_EXCL follows no link (open(2)). */
async function writeDurably(path: string, content: string | Uint8Array, folder: Folder): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await giveToOwner(file, folder)
    await file.sync()
  } finally {
    await file.close()
  }
}
