import { stat } from 'node:fs/promises'
import { makeInbox } from '../process/inbox.ts'

/**
 * Looks at a settings file for as long as a daemon runs. Asks stat(2) and not inotify(7), which follows the file and
 * not its name, and does not hear what other machines write on a network file system.
 */
export interface FileWatch {
  /** What each look finds, until the signal ends it or the caller stops. Only one caller at a time may iterate. */
  readonly looks: (signal: AbortSignal) => AsyncGenerator<FileChange, void>
  /** Looks now; ends when the iterating caller has dealt with the result, or when nobody iterates any more. */
  readonly recheck: () => Promise<void>
}

/** How the file changed since the look before. */
export type FileChange =
  | 'same'
  /** Replaced, edited, or given to somebody else; may be unreadable now. Reported once for all such changes. */
  | 'changed'
  /** Missing, perhaps only for a moment: some editors remove a file before they write it again. */
  | 'missing'
  /** Missing at two looks in a row. Reported once. */
  | 'gone'

const LOOK_EVERY_MS = 2_000

/** Starts a watch. Call before the file is first read: what changes in between is then seen as a change. */
export async function watchFile(path: string): Promise<FileWatch> {
  /** Callbacks, each called when a look that began after it was put there has been dealt with. */
  const wakes = makeInbox<() => void>()
  let stamp = await stampAndOwnerOf(path)
  let wasMissing = false
  let isLooking = true

  async function look(): Promise<FileChange> {
    const now = await stampAndOwnerOf(path)
    if (now === stamp) {
      wasMissing = false
      return 'same'
    }
    if (now === 'gone' && !wasMissing) {
      wasMissing = true
      return 'missing'
    }
    wasMissing = false
    stamp = now
    return now === 'gone' ? 'gone' : 'changed'
  }

  return {
    async *looks(signal) {
      isLooking = true
      let asked: readonly (() => void)[] = []
      try {
        while (!signal.aborted) {
          await wakes.wait(LOOK_EVERY_MS, signal)
          asked = wakes.drain()
          if (signal.aborted) return
          yield await look()
          for (const dealtWith of asked) dealtWith()
        }
      } finally {
        isLooking = false
        for (const dealtWith of [...asked, ...wakes.drain()]) dealtWith()
      }
    },
    recheck: () => (isLooking ? new Promise((resolve) => wakes.put(resolve)) : Promise.resolve()),
  }
}

/** A stamp with owner and mode: a person who was told to `chmod 600` the file has changed nothing else of it. */
async function stampAndOwnerOf(path: string): Promise<string> {
  try {
    const { ino, mtimeNs, size, mode, uid, gid } = await stat(path, { bigint: true })
    return [ino, mtimeNs, size, mode, uid, gid].join('.')
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'gone' : `not looked at: ${code}`
  }
}
