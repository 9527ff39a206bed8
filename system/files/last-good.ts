import { readFile } from 'node:fs/promises'
import { Problem } from '../../problems/problem.ts'
import { writeFileAtomic } from './atomic-file.ts'

/** Settings as a daemon begins with them. */
export interface Begun<Settings> {
  readonly settings: Settings
  /** Why it is an earlier text of the file that is in force; null: it is the present one. */
  readonly notInForce: string | null
}

/**
 * Reads a file that people edit. Where it is there and no longer what it should be, what was last read well counts: a
 * box far away that loses power after a slip of the pen comes up all the same.
 * @param copy where the last good text is kept (`keepLastGood`).
 * @throws {Problem} that of the file itself, where no good copy of it was kept either.
 */
export async function readOrLastGood<Settings>(
  path: string,
  copy: string,
  read: (path: string) => Promise<Settings>,
): Promise<Begun<Settings>> {
  try {
    return { settings: await read(path), notInForce: null }
  } catch (thrown) {
    // One that is gone was taken away, and one that cannot be read says nothing of what is in it.
    if (!(thrown instanceof Problem) || thrown.code !== 'config-invalid') throw thrown
    const settings = await read(copy).catch(() => {
      throw thrown
    })
    return { settings, notInForce: thrown.message }
  }
}

/** Keeps the text of a file that was read well. Written only where it differs; never throws. */
export async function keepLastGood(path: string, copy: string): Promise<void> {
  const textOf = (file: string): Promise<string | null> => readFile(file, 'utf8').catch(() => null)
  const [text, kept] = await Promise.all([textOf(path), textOf(copy)])
  if (text === null || text === kept) return
  await writeFileAtomic(copy, text).catch(() => undefined)
}
