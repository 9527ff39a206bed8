import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { stampOf } from '../../system/files/file-stamp.ts'
import { makeMutex } from '../../system/process/mutex.ts'
import { type Change, STORE_SCHEMA, type StoreDocument, StoreDocumentSchema } from '../core/store-document.ts'

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
}

/** Reads the file once. @throws {Problem} `store-damaged`, `store-newer`, `config-unreadable`; the file stays as it is. */
export async function openStore(path: string): Promise<Store> {
  let stamp = await stampOf(path)
  let document = parseStore(await readStore(path), path)
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
    await writeFileAtomic(path, storeText(next))
    stamp = await stampOf(path)
    document = next
    return result
  }

  return {
    get document() {
      return document
    },
    update: (change) => mutex.runExclusive(() => apply(change)),
  }
}

export function storeText(document: StoreDocument): string {
  return `${JSON.stringify(document, null, 1)}\n`
}

async function readStore(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    const what = `reading ${path}`
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new Problem('config-unreadable', { what, why: reasonOf(thrown), cause: thrown })
    throw new Problem('store-damaged', {
      what,
      why: 'the file is gone',
      next: 'Put back a backup, or run homeward hub init to begin with no homes',
      cause: thrown,
    })
  }
}

function parseStore(text: string, path: string): StoreDocument {
  const what = `reading ${path}`
  const json = jsonIn(text)
  const schema = (json as { schema?: unknown } | null | undefined)?.schema
  if (typeof schema === 'number' && schema > STORE_SCHEMA)
    throw new Problem('store-newer', { what, why: `it is of schema ${schema}, this homeward knows ${STORE_SCHEMA}` })
  const result = v.safeParse(StoreDocumentSchema, json)
  if (result.success) return result.output
  const [issue] = result.issues
  // The path of a field and its expected content; never the actual content, which may be a secret.
  const field = issue.path?.map((item) => String(item.key)).join('.') ?? 'the document'
  const why = json === undefined ? 'it is not JSON' : `${field}: ${issue.expected ?? issue.message}`
  throw new Problem('store-damaged', { what, why })
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
