import { chown, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Gives what root made to whom the folder belongs, so that it stays of use to the service's own user. */
export async function ownLikeFolder(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(dirname(path))
  if (uid !== 0) await chown(path, uid, gid)
}
