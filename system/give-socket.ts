import { constants } from 'node:fs'
import { chmod, chown, type FileHandle, open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { inFolder } from './folder.ts'
import { sleep } from './sleep.ts'

/** Opens the name itself and nothing behind it, for looking at and changing its owner and mode (open(2)). Node does not name it. */
export const O_PATH = 0o10000000

/**
 * Gives a socket that was just bound its mode, and to whom the folder belongs. The folder's owner may put anything in its
 * place: what is there is held, looked at, and only then changed, by the handle (proc(5), /proc/pid/fd).
 * @throws when it is not the socket that this process made.
 */
export async function giveSocket(path: string, mode: number): Promise<void> {
  await inFolder(dirname(path), async (folder) => {
    const socket = await openNamed(folder.at(basename(path)))
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

/** Another process that found a socket left behind may have moved this one aside for a moment (local-socket.ts, removeStale). */
async function openNamed(path: string): Promise<FileHandle> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await open(path, O_PATH | constants.O_NOFOLLOW)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 50) throw thrown
      await sleep(20)
    }
  }
}
