import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * What a flash has after a loss of power: everything; what was there at the last sync; or names that came later, but of
 * files that were not synced no bytes (UBIFS writes names and data apart: linux-mtd's UBIFS FAQ, "zero-length files"),
 * and of those that were appended to, what they were.
 */
export type FlashLoss = 'nothing' | 'since-sync' | 'unsynced-bytes'

/** A folder that lies on the flash. */
export interface Flash {
  readonly sync: () => void
  readonly lose: (loss: FlashLoss) => void
}

interface Kept {
  readonly bytes: Buffer
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

export function makeFlash(folder: string): Flash {
  let synced = filesIn(folder)

  return {
    sync: () => {
      synced = filesIn(folder)
    },
    lose: (loss) => {
      const now = filesIn(folder)
      if (loss === 'since-sync') {
        for (const path of now.keys()) if (!synced.has(path)) rmSync(join(folder, path))
        for (const [path, file] of synced) if (now.get(path)?.bytes.equals(file.bytes) !== true) write(path, file)
      }
      if (loss === 'unsynced-bytes')
        for (const [path, file] of now)
          if (![...synced.values()].some(({ bytes }) => bytes.equals(file.bytes)))
            write(path, { ...file, bytes: appendedTo(synced.get(path)?.bytes, file.bytes) })
      synced = filesIn(folder)
    },
  }

  function write(path: string, { bytes, mode, uid, gid }: Kept): void {
    const at = join(folder, path)
    mkdirSync(dirname(at), { recursive: true })
    writeFileSync(at, bytes)
    chmodSync(at, mode)
    chownSync(at, uid, gid)
  }
}

function appendedTo(old: Buffer = Buffer.alloc(0), now: Buffer): Buffer {
  return now.subarray(0, old.length).equals(old) ? old : Buffer.alloc(0)
}

/** By their paths in it; links are none. */
function filesIn(folder: string): ReadonlyMap<string, Kept> {
  const found = new Map<string, Kept>()
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const stat = lstatSync(join(folder, path))
    const { mode, uid, gid } = stat
    if (stat.isFile()) found.set(path, { bytes: readFileSync(join(folder, path)), mode, uid, gid })
  }
  return found
}
