import { constants, type Stats } from 'node:fs'
import { chown, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { O_PATH } from './give-socket.ts'

/**
 * Gives all files in a folder to the folder's owner, since somebody who edits a file as root may leave it to root. Each
 * file is opened before it is checked, and changed by the handle. No link is followed, and a file with a second name
 * keeps its owner: that name may be of any file of this machine (chown -R does not check).
 * @returns the names of files that kept their owner.
 */
export async function handOver(path: string): Promise<readonly string[]> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    const { uid, gid } = await folder.stat()
    return await handOverIn(`/proc/self/fd/${folder.fd}`, path, { uid, gid })
  } finally {
    await folder.close()
  }
}

async function handOverIn(held: string, shown: string, owner: Pick<Stats, 'uid' | 'gid'>): Promise<readonly string[]> {
  const stayed: string[] = []
  for (const name of await readdir(held)) {
    const entry = await open(join(held, name), O_PATH | constants.O_NOFOLLOW).catch(() => null)
    // The file is gone since.
    if (entry === null) continue
    try {
      const seen = await entry.stat()
      const itself = `/proc/self/fd/${entry.fd}`
      const isTheirs = seen.uid === owner.uid && seen.gid === owner.gid
      const isPlain = seen.isDirectory() || (seen.isFile() && seen.nlink === 1)
      if (!isTheirs && isPlain) await chown(itself, owner.uid, owner.gid)
      else if (!isTheirs) stayed.push(join(shown, name))
      if (seen.isDirectory()) stayed.push(...(await handOverIn(itself, join(shown, name), owner)))
    } finally {
      await entry.close()
    }
  }
  return stayed
}
