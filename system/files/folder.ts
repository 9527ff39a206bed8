import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** A folder that is held: whatever somebody puts in the place of its path, names in it lead into this one. */
export interface Folder {
  /** What openat(2) would take, for functions that take paths (proc(5), /proc/pid/fd). Good for as long as it is held. */
  readonly at: (name: string) => string
  /** To whom root shall give what it makes here, so that it stays of use to the service's own user; null: nobody else. */
  readonly owner: Owner | null
  readonly sync: () => Promise<void>
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Holds a folder while something is done in it. */
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
 * Gives what root made here to the folder's owner. By the handle: behind the name there may be another file a moment later.
 * @throws when it is no plain file of theirs or of root's, or has a second name (a hard link), which may stand anywhere.
 */
export async function giveToOwner(file: FileHandle, { owner }: Pick<Folder, 'owner'>): Promise<void> {
  if (owner === null) return
  const seen = await file.stat()
  if (seen.isFile() && seen.uid === owner.uid) return
  if (!seen.isFile() || seen.uid !== 0 || seen.nlink !== 1)
    throw new Error('somebody has put something else in its place')
  await file.chown(owner.uid, owner.gid)
}
