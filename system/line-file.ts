import { appendFile, open, readFile, rename, stat } from 'node:fs/promises'
import { Problem, reasonOf } from '../problems/problem.ts'
import { ownLikeFolder } from './own-like-folder.ts'

/** A file of lines that only grows, and the one it was before it grew too large: NAME.jsonl and NAME.1.jsonl. */
export interface LineFile {
  /** Appends, in the order of the calls. The answer says why it is lost when it is: a full disk loses it and nothing else. */
  readonly append: (line: string) => Promise<string | null>
}

/**
 * @param path ends in `.jsonl`.
 * @param largestBytes of one of the two.
 * @param carryOver what the new file begins with when the full one is put aside; null: nothing.
 */
export function openLineFile(
  path: string,
  largestBytes: number,
  carryOver: () => string | null = () => null,
): LineFile {
  // Not here: whoever opens it may yet find that another one is running.
  let turn: Promise<unknown> | null = null

  async function write(line: string): Promise<string | null> {
    try {
      if ((await sizeOf(path)) >= largestBytes) {
        await rename(path, olderOf(path))
        const first = carryOver()
        if (first !== null) await appendLine(path, first)
      }
      await appendLine(path, line)
      return null
    } catch (thrown) {
      return reasonOf(thrown)
    }
  }

  return {
    append: (line) => {
      turn ??= endTornLine(path).catch(() => undefined)
      const mine = turn.then(() => write(line))
      turn = mine
      return mine
    },
  }
}

/** The older one's text and the newer one's; empty where there is none. @throws {Problem} `config-unreadable`. */
export async function readLineFile(path: string): Promise<readonly string[]> {
  return [await textOf(olderOf(path)), await textOf(path)]
}

export function olderOf(path: string): string {
  return path.replace(/\.jsonl$/, '.1.jsonl')
}

async function appendLine(path: string, line: string): Promise<void> {
  await appendFile(path, `${line}\n`, { mode: 0o600 })
  await ownLikeFolder(path)
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    if (isMissing(thrown)) return ''
    throw new Problem('config-unreadable', { what: `reading ${path}`, why: reasonOf(thrown), cause: thrown })
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (thrown) {
    if (isMissing(thrown)) return 0
    throw thrown
  }
}

/** A power cut may leave half a line; the next one must not stick to it. */
async function endTornLine(path: string): Promise<void> {
  const size = await sizeOf(path).catch(() => 0)
  if (size === 0) return
  const file = await open(path, 'r')
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
    if (buffer[0] !== 0x0a) await appendFile(path, '\n')
  } finally {
    await file.close()
  }
}

function isMissing(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}
