import { constants } from 'node:fs'
import { chmod, chown, open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { inFolder } from './folder.ts'

/** Opens the name itself and nothing behind it, to check and change owner and mode (open(2)). Node does not name it. */
export const O_PATH = 0o10000000

/**
 * Gives a socket that was just bound its mode and the folder's owner. That owner may put anything in its place: what is
 * there is opened, checked, and only then changed, by the handle (proc(5), /proc/pid/fd).
 * @throws when the file is not the socket that this process made.
 */
export async function giveSocket(path: string, mode: number): Promise<void> {
  await inFolder(dirname(path), async (folder) => {
    const socket = await open(folder.at(basename(path)), O_PATH | constants.O_NOFOLLOW)
    try {
      const seen = await socket.stat()
      if (!seen.isSocket() || seen.nlink !== 1 || seen.uid !== process.geteuid?.())
        throw new Error('somebody has put something else in its place')
      const held = `/proc/self/fd/${socket.fd}`
      await chmod(held, mode)
      if (folder.owner !== null) await chown(held, folder.owner.uid, folder.owner.gid)
    } finally {
      await socket.close()
    }
  })
}
