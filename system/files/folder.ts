import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** An open folder: whatever somebody puts in the place of its path, names in it still lead into this one. */
export interface Folder {
  /** A path that acts as openat(2) (proc(5), /proc/pid/fd). Valid as long as the folder is open. */
  readonly at: (name: string) => string
  /** Who gets the files that root makes here, so that the service's own user can use them; null: nobody else. */
  readonly owner: Owner | null
  readonly sync: () => Promise<void>
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Keeps a folder open while the act runs. */
export async function inFolder<Result>(path: string, act: (folder: Folder) => Promise<Result>): Promise<Result> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    const { uid, gid } = await handle.stat()
    return await act({
      at: (name) => `/proc/self/fd/${handle.fd}/${name}`,
      owner: process.geteuid?.() === 0 && uid !== 0 ? { uid, gid } : null,
      sync: () => handle.sync(),
    })
  } finally {
    await handle.close()
  }
}

/**
 * Gives a file that root made here to the folder's owner, by the handle: the name may belong to another file a moment
 * later.
 * @throws when the file is not a plain file of the owner's or of root's, or has a second name (a hard link), which may
 * stand anywhere.
 */
export async function giveToOwner(file: FileHandle, { owner }: Pick<Folder, 'owner'>): Promise<void> {
  if (owner === null) return
  const seen = await file.stat()
  if (seen.isFile() && seen.uid === owner.uid) return
  if (!seen.isFile() || seen.uid !== 0 || seen.nlink !== 1)
    throw new Error('somebody has put something else in its place')
  await file.chown(owner.uid, owner.gid)
}
