import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { STORE_SCHEMA, type StoreDocument, StoreDocumentSchema } from '../core/store-document.ts'

export function storeText(document: StoreDocument): string {
  return `${JSON.stringify(document, null, 1)}\n`
}

/** The document in the file. @throws {Problem} `store-damaged`, `store-newer`, `config-unreadable`. */
export async function readStoreFile(path: string): Promise<StoreDocument> {
  return parseStore(await textOf(path), path)
}

async function textOf(path: string): Promise<string> {
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
