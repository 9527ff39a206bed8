import { readFile, rm } from 'node:fs/promises'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readSecretFile } from '../../system/files/secret-file.ts'
import type { IdentityFile } from '../settings/identity-files.ts'
import type { OwnFile, OwnFileState } from './own-file.ts'

/**
 * A file by which others know the hub. Written again in its place, or where that cannot be, as in a service that may not
 * write its settings, in the state folder: the next start reads it there (readIdentity).
 * @param running what the running hub has; null: it has none.
 */
export function keyFile(file: IdentityFile, running: (signal: AbortSignal) => Promise<string | null>): OwnFile {
  return {
    path: file.path,
    of: 'keys',
    check: async (signal) => {
      try {
        return await checked(file, await textIn(file), await running(signal))
      } catch (thrown) {
        return { kind: 'lost', why: reasonOf(thrown) }
      }
    },
  }
}

type Found = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'damaged' | 'exposed' }

async function textIn({ path, isSecret, isFormed }: IdentityFile): Promise<Found> {
  try {
    const text = isSecret ? await readSecretFile(path) : await readFile(path, 'utf8')
    return isFormed(text) ? { kind: 'text', text } : { kind: 'damaged' }
  } catch (thrown) {
    return { kind: thrown instanceof Problem && thrown.code === 'secret-exposed' ? 'exposed' : 'damaged' }
  }
}

async function checked({ path, copy }: IdentityFile, found: Found, running: string | null): Promise<OwnFileState> {
  if (found.kind === 'text') {
    if (running !== null && found.text.trim() !== running.trim()) return { kind: 'another' }
    await removeCopy(copy, found.text)
    return { kind: 'whole' }
  }
  if (running === null)
    return found.kind === 'exposed' ? { kind: 'exposed' } : { kind: 'lost', why: 'no running hub has it' }
  const content = `${running.trim()}\n`
  try {
    await writeFileAtomic(path, content)
    await removeCopy(copy, content)
    return { kind: 'restored', was: found.kind }
  } catch {
    // What is whole but open needs no copy.
    if (found.kind === 'exposed') return { kind: 'exposed' }
  }
  if (!(await holds(copy, content))) await writeFileAtomic(copy, content)
  return { kind: 'copied', copy }
}

async function holds(copy: string, text: string): Promise<boolean> {
  return (await readSecretFile(copy).catch(() => null)) === text.trim()
}

/** A copy of something else is left: whoever put the file back may have taken the wrong one. */
async function removeCopy(copy: string, text: string): Promise<void> {
  if (await holds(copy, text)) await rm(copy, { force: true })
}
