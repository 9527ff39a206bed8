import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { type Document, LineCounter, parseDocument } from 'yaml'
import { nearestName } from './nearest-name.ts'
import { Problem, type ProblemDetails, reasonOf } from '../../problems/problem.ts'

/**
 * Reads a YAML file, checks it and fills in defaults, once, where it comes in.
 * @throws {Problem} `config-unreadable`, or `config-invalid` that names path, line, field and accepted values.
 */
export async function readYamlFile<const Schema extends v.GenericSchema>(
  path: string,
  schema: Schema,
  holds: 'settings' | 'secrets' = 'settings',
): Promise<v.InferOutput<Schema>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (thrown) {
    throw new Problem('config-unreadable', { what: `reading ${path}`, why: reasonOf(thrown), cause: thrown })
  }
  return parseYaml(text, path, schema, holds)
}

/** The same for text already read; `path` is only for messages. Values of a file with secrets are not repeated. */
export function parseYaml<const Schema extends v.GenericSchema>(
  text: string,
  path: string,
  schema: Schema,
  holds: 'settings' | 'secrets' = 'settings',
): v.InferOutput<Schema> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const fault = document.errors[0]
  if (fault !== undefined) throw invalid(path, lines.linePos(fault.pos[0]).line, fault.message)
  const given = valueOf(document, path)
  const result = v.safeParse(schema, given)
  if (result.success) {
    const list = listForMapping(given, result.output)
    if (list === null) return result.output
    const field = list.length === 0 ? 'the file' : list.join('.')
    throw invalid(path, lineOf(list), `${field} must have settings of its own, "name: value", but is a list`)
  }
  const keysOf = (one: v.BaseIssue<unknown>) => (one.path ?? []).map((item) => item.key)
  // One that was misspelt is missing too, and says more of what to correct.
  const misspelt = result.issues.find((one) => one.expected === 'never' && nearestName(schema, keysOf(one)) !== null)
  const issue = misspelt ?? result.issues[0]
  const keys = keysOf(issue)
  throw invalid(path, lineOf(keys), explain(issue, keys, holds, schema))

  function lineOf(path: readonly unknown[]): number {
    // A missing key has no node: its parent's line is then the nearest.
    for (let length = path.length; length >= 0; length -= 1) {
      const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
      const range = (node as { range?: readonly number[] | null } | null | undefined)?.range
      if (range?.[0] !== undefined) return lines.linePos(range[0]).line
    }
    return 1
  }
}

/**
 * The path to a list that was read as a mapping; null: there is none. valibot takes a list for an object, and in an empty
 * one it finds nothing that is too much: `lan: []` would be a LAN with all its defaults.
 */
function listForMapping(given: unknown, read: unknown): readonly string[] | null {
  if (typeof given !== 'object' || typeof read !== 'object' || given === null || read === null) return null
  if (Array.isArray(given) && !Array.isArray(read)) return []
  const reads = new Map<string, unknown>(Object.entries(read))
  for (const [key, value] of Object.entries(given)) {
    const inside = listForMapping(value, reads.get(key))
    if (inside !== null) return [key, ...inside]
  }
  return null
}

/** The value of a document. Only here an alias without its anchor is found, or aliases that would fill the memory. */
function valueOf(document: Document.Parsed, path: string): unknown {
  try {
    return document.toJS()
  } catch (thrown) {
    throw invalid(path, 1, reasonOf(thrown))
  }
}

function explain(
  issue: v.BaseIssue<unknown>,
  keys: readonly unknown[],
  holds: 'settings' | 'secrets',
  schema: v.GenericSchema,
): string {
  const field = keys.length === 0 ? 'the file' : keys.join('.')
  // How valibot reports keys of objects: `never` for one too many, the key itself for one that is missing.
  if (issue.expected === 'never') {
    const meant = nearestName(schema, keys)
    return `${field} is not a setting${meant === null ? '' : `; ${meant} is one`}`
  }
  if (issue.expected === JSON.stringify(keys.at(-1))) return `${field} is missing`
  if (issue.type === 'max_length' && Array.isArray(issue.input))
    return `${field} has ${issue.input.length} entries, and ${String(issue.requirement)} are the most`
  const butIs = holds === 'secrets' ? '' : `, but is ${issue.received}`
  // A pattern says nothing to a person; the schema's own message says what the field is for.
  if (issue.expected === null || issue.type === 'regex') return `${field}: ${issue.message}${butIs}`
  return `${field} must be ${issue.expected}${butIs}`
}

function invalid(path: string, line: number, why: string): Problem {
  const details: ProblemDetails = { what: `reading ${path}`, why: `line ${line}: ${why}` }
  return new Problem('config-invalid', details)
}
