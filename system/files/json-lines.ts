import { constants } from 'node:fs'
import { type FileHandle, open, readFile, rename } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { makeMutex } from '../process/mutex.ts'
import { makeFolder } from './atomic-file.ts'
import { type Folder, giveToOwner, inFolder } from './folder.ts'

/** A file of lines that only grows, and its predecessor from before it grew too large: NAME.jsonl and NAME.1.jsonl. */
export interface JsonLinesFile {
  /** Appends, in the order of the calls. Answers why a line was lost, else null: a full disk loses only that line. */
  readonly append: (line: string) => Promise<string | null>
  /** Resolves when what was to be appended is in the file. */
  readonly settled: () => Promise<void>
}

/**
 * Opens the pair of files. Their folder is made by the first line, where it is missing.
 * @param path ends in `.jsonl`.
 * @param largestBytes of either file.
 * @param carryOver the first line of the new file when the full one is put aside; null: none.
 */
export function openJsonLines(
  path: string,
  largestBytes: number,
  carryOver: () => string | null = () => null,
): JsonLinesFile {
  // The first append checks for a cut, and not the opening: the opener may yet find that another process is running.
  let isFirst = true
  const mutex = makeMutex()

  async function write(line: string): Promise<string | null> {
    try {
      await makeFolder(dirname(path))
      await inFolder(dirname(path), async (folder) => {
        const size = await appendTo(
          folder,
          basename(path),
          line,
          isFirst ? 'after a cut' : 'after a line',
          largestBytes,
        )
        isFirst = false
        if (size < largestBytes) return
        await rename(folder.at(basename(path)), folder.at(basename(olderOf(path))))
        const first = carryOver()
        if (first !== null) await appendTo(folder, basename(path), first, 'after a line', Infinity)
        await appendTo(folder, basename(path), line, 'after a line', Infinity)
      })
      return null
    } catch (thrown) {
      return reasonOf(thrown)
    }
  }

  return {
    append: (line) => mutex.runExclusive(() => write(line)),
    settled: mutex.settled,
  }
}

/** The older file's text and the newer one's; empty where there is none. @throws {Problem} `config-unreadable`. */
export async function readJsonLines(path: string): Promise<readonly string[]> {
  return [await textOf(olderOf(path)), await textOf(path)]
}

export function olderOf(path: string): string {
  return path.replace(/\.jsonl$/, '.1.jsonl')
}

/**
 * Appends a line, unless the file already has `largestBytes`. The folder's owner may have put a link or a pipe there:
 * neither is followed or waited for.
 * @param where after a power cut the file may end in half a line, which the next one must not stick to.
 * @returns how many bytes the file had before.
 */
async function appendTo(
  folder: Folder,
  name: string,
  line: string,
  where: 'after a cut' | 'after a line',
  largestBytes: number,
): Promise<number> {
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
  const file = await open(folder.at(name), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
  try {
    await giveToOwner(file, folder)
    const { size } = await file.stat()
    if (size >= largestBytes) return size
    const isTorn = where === 'after a cut' && size > 0 && (await lastByte(file, size)) !== 0x0a
    await file.appendFile(`${isTorn ? '\n' : ''}${line}\n`)
    return size
  } finally {
    await file.close()
  }
}

async function lastByte(file: FileHandle, size: number): Promise<number | undefined> {
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer[0]
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    if (isMissing(thrown)) return ''
    throw new Problem('config-unreadable', { what: `reading ${path}`, why: reasonOf(thrown), cause: thrown })
  }
}

function isMissing(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}
