import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { writeFileAtomic } from './atomic-file.ts'
import { inFolder } from './folder.ts'

/**
 * Writes over a small file of the same length where it stands, for what is written often and may be lost: that costs a card
 * one page, where another file costs seven (ext4, /proc/pid/io: 4 KiB and 28 KiB). Any other file is replaced.
 * A power cut in between may leave a text that is neither.
 * @throws {Problem} `write-failed`.
 */
export async function overwriteFile(path: string, content: string): Promise<void> {
  if (!(await overwritten(path, content).catch(() => false))) await writeFileAtomic(path, content)
}

/** @returns false where something else than such a file is there: what root would follow may stand anywhere. */
async function overwritten(path: string, content: string): Promise<boolean> {
  return await inFolder(dirname(path), async (folder) => {
    const file = await open(folder.at(basename(path)), constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const seen = await file.stat()
      const owner = folder.owner?.uid ?? process.geteuid?.()
      const isIt = seen.isFile() && seen.nlink === 1 && seen.uid === owner && seen.size === Buffer.byteLength(content)
      if (!isIt) return false
      await file.write(content, 0)
      await file.datasync()
      return true
    } finally {
      await file.close()
    }
  })
}
