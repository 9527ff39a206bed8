import { constants } from 'node:fs'
import { lstat, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { withFolderLock } from '../files/folder-lock.ts'
import { O_PATH } from '../files/give-socket.ts'
import { sleep } from '../time/sleep.ts'

/**
 * How long until a second look: a socket also refuses between bind(2) and listen(2), where a busy machine may pause.
 */
const LOOK_AGAIN_MS = 200

/**
 * Removes the socket that a killed process left. Of several processes that start at once only one does, and only while
 * the name leads to the very socket that refused: one that was bound in the meantime is in use.
 * @param refuses whether nobody listens there.
 * @throws the file system's error.
 */
export async function removeStaleSocket(path: string, refuses: (path: string) => Promise<boolean>): Promise<void> {
  await withFolderLock(dirname(path), async () => {
    const held = await openNamed(path)
    if (held === null) return
    try {
      const { dev, ino } = await held.stat()
      // The socket itself, whatever its name leads to by now (proc(5), /proc/pid/fd).
      const itself = `/proc/self/fd/${held.fd}`
      if (!(await refuses(itself))) return
      await sleep(LOOK_AGAIN_MS)
      if (!(await refuses(itself))) return
      const named = await lstat(path).catch(() => null)
      if (named?.dev === dev && named.ino === ino) await rm(path, { force: true })
    } finally {
      await held.close()
    }
  })
}

async function openNamed(path: string) {
  try {
    return await open(path, O_PATH | constants.O_NOFOLLOW)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw thrown
  }
}
