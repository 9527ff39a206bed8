import { readFile, stat } from 'node:fs/promises'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { stampOf } from '../../system/files/file-stamp.ts'
import { makeMutex } from '../../system/process/mutex.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Change, StoreDocument } from '../core/store-document.ts'
import { openGenerations } from './generations.ts'
import { nameOlder } from './restore-store.ts'
import { readStoreFile, storeText } from './store-file.ts'

/** The hub's memory, behind this one interface, so that several hubs can share an engine one day. */
export interface Store {
  /** The document as last written. */
  readonly document: StoreDocument
  /**
   * Changes the document, one change at a time. A change that throws, and one that cannot be written, leaves the
   * document as it was.
   * @throws {Problem} the change's own, or `write-failed`.
   */
  readonly update: <Result>(change: (document: StoreDocument) => Change<Result>) => Promise<Result>
  readonly path: string
  /**
   * Looks whether the file still is the document, and writes it again where it is damaged, gone or open to others:
   * `another` is one that somebody put there, which is left alone. Never throws.
   */
  readonly check: () => Promise<StoreFileState>
}

type StoreFileState =
  | { readonly kind: 'whole' | 'another' }
  | { readonly kind: 'restored'; readonly was: 'damaged' | 'exposed' }
  | { readonly kind: 'lost'; readonly why: string }

/**
 * Reads the file once, and keeps an older generation of it beside it.
 * @param version of this homeward.
 * @throws {Problem} `store-damaged`, `store-newer`, `config-unreadable`; the file stays as it is.
 */
export async function openStore(path: string, version: string, clock: Clock): Promise<Store> {
  let stamp = await stampOf(path)
  let document = await readStore(path)
  const generations = openGenerations(path, version, clock)
  const mutex = makeMutex()

  async function apply<Result>(change: (document: StoreDocument) => Change<Result>): Promise<Result> {
    const [next, result] = change(document)
    if (next === document) return result
    if ((await stampOf(path)) !== stamp)
      throw new Problem('write-failed', {
        what: `writing ${path}`,
        why: 'something else changed it since it was read',
        next: 'Restart homeward hub run, so that it reads the file again',
      })
    await generations.before(document, next)
    await writeFileAtomic(path, storeText(next))
    stamp = await stampOf(path)
    document = next
    return result
  }

  async function checked(): Promise<StoreFileState> {
    const found = await fileState(path, document, stamp)
    if (found === 'another') return { kind: 'another' }
    if (found !== 'whole') await writeFileAtomic(path, storeText(document))
    stamp = await stampOf(path)
    return found === 'whole' ? { kind: 'whole' } : { kind: 'restored', was: found }
  }

  return {
    get document() {
      return document
    },
    update: (change) => mutex.runExclusive(() => apply(change)),
    path,
    check: () =>
      mutex.runExclusive(checked).catch((thrown: unknown) => ({ kind: 'lost' as const, why: reasonOf(thrown) })),
  }
}

/** Whether the file is this document. What is whole and another was put there by somebody; newer schemas are, too. */
async function fileState(
  path: string,
  document: StoreDocument,
  stamp: string,
): Promise<'whole' | 'another' | 'damaged' | 'exposed'> {
  try {
    const { mode } = await stat(path)
    await readStoreFile(path)
    // What an older version wrote may have its own spelling.
    const isOurs = (await stampOf(path)) === stamp || (await readFile(path, 'utf8')) === storeText(document)
    if (!isOurs) return 'another'
    return (mode & 0o077) === 0 ? 'whole' : 'exposed'
  } catch (thrown) {
    return thrown instanceof Problem && thrown.code !== 'store-damaged' ? 'another' : 'damaged'
  }
}

/** The store's document. @throws {Problem} `store-damaged`, `store-newer`, `config-unreadable`. */
export async function readStore(path: string): Promise<StoreDocument> {
  try {
    return await readStoreFile(path)
  } catch (thrown) {
    throw await nameOlder(thrown, path)
  }
}
