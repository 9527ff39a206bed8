import { readFile } from 'node:fs/promises'
import { Problem } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { type TakenBack, takenBack } from '../core/older-document.ts'
import { readStoreFile, storeText } from './store-file.ts'

/** Where the store of a newer hub stays, for whoever wants to look what was in it. */
export function newerStorePath(path: string): string {
  return `${path}.newer`
}

/**
 * Goes on with a store that a newer hub, which did not stay, has written in a form that this one does not read. Nobody
 * may be writing it.
 * @param path the store. @param before the copy of what this version had written last.
 * @returns null: this version reads the store as it is, or has no copy that is better.
 * @throws {Problem} `write-failed`; the store is as it was then.
 */
export async function takeStoreBack(path: string, before: string): Promise<TakenBack | null> {
  if (await isReadable(path)) return null
  const kept = await readStoreFile(before).catch(() => null)
  if (kept === null) return null
  const bytes = await readFile(path).catch(() => null)
  const back = takenBack(bytes === null ? undefined : jsonIn(bytes), kept)
  if (bytes !== null) await writeFileAtomic(newerStorePath(path), bytes)
  await writeFileAtomic(path, storeText(back.document))
  return back
}

/** A file that cannot be read at all says nothing about its form. */
async function isReadable(path: string): Promise<boolean> {
  return await readStoreFile(path).then(
    () => true,
    (thrown: unknown) => thrown instanceof Problem && thrown.code === 'config-unreadable',
  )
}

function jsonIn(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown
  } catch {
    return undefined
  }
}
