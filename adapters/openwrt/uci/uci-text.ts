import type { PrivateKey } from '../../../wireguard/keys.ts'
import { type ConfigFile, keyOf, type Options, PRIVATE_KEY, sameValue, type Section } from './sections.ts'

/**
 * Reads what `uci show` prints of a file. Anonymous sections keep the name that it gives them (`@zone[1]`): homeward
 * never changes those.
 * @throws {SyntaxError} on anything else; the line is not quoted, since it may hold a secret.
 */
export function parseShow(config: ConfigFile, shown: string): readonly Section[] {
  const sections = new Map<string, { type: string; options: Record<string, string | readonly string[]> }>()
  for (const [path, values] of entries(shown)) {
    const [file, name, option] = path
    const [first] = values
    if (file !== config || name === undefined || first === undefined)
      throw new SyntaxError(`uci show ${config} says something that homeward does not know`)
    if (option === undefined) sections.set(name, { type: first, options: {} })
    else {
      const section = sections.get(name)
      if (section === undefined) throw new SyntaxError(`uci show ${config} has an option without its section`)
      section.options[option] = values.length === 1 ? first : values
    }
  }
  return [...sections].map(([name, { type, options }]) => ({ config, name, type, options }))
}

/** Entries such as `a.b.c='x' 'y'`. A quote within is `'\''`; a value may hold line ends. */
function* entries(shown: string): Generator<readonly [readonly string[], readonly string[]]> {
  const entry = /([A-Za-z0-9_]+(?:\.(?:@?[A-Za-z0-9_]+(?:\[-?\d+\])?))+)=((?:'(?:[^']|'\\'')*'[ ]?)+|[^'\n]*)(?:\n|$)/y
  while (entry.lastIndex < shown.length) {
    const match = entry.exec(shown)
    if (match === null) throw new SyntaxError('uci show says something that homeward does not know')
    const [, path = '', raw = ''] = match
    yield [path.split('.'), raw.startsWith("'") ? quoted(raw) : [raw]]
  }
}

function quoted(raw: string): readonly string[] {
  return [...raw.matchAll(/'((?:[^']|'\\'')*)'(?= |$)/g)].map(([, value = '']) => value.replaceAll("'\\''", "'"))
}

/**
 * The lines for `uci batch` that change the found sections into the wanted ones. Options are changed one by one, so
 * that right ones are not touched, and a file keeps its order.
 * @param privateKey the private key of this public one.
 * @throws {TypeError} on a value that could end its quotes.
 */
export function batchLines(
  found: readonly Section[],
  wanted: readonly Section[],
  privateKey: (publicKey: string) => PrivateKey,
): readonly string[] {
  const before = new Map(found.map((section) => [keyOf(section), section]))
  const after = new Map(wanted.map((section) => [keyOf(section), section]))
  const lines: string[] = []
  for (const section of wanted) {
    const path = keyOf(section)
    const old = before.get(path)
    const isSameKind = old?.type === section.type
    if (old !== undefined && !isSameKind) lines.push(`delete ${path}`)
    if (!isSameKind) lines.push(`set ${path}=${section.type}`)
    lines.push(...optionLines(path, isSameKind ? old.options : {}, section.options, privateKey))
  }
  // The last section goes first: anonymous ones are counted.
  for (const path of [...before.keys()].reverse()) if (!after.has(path)) lines.push(`delete ${path}`)
  return lines
}

function optionLines(
  path: string,
  found: Options,
  wanted: Options,
  privateKey: (publicKey: string) => PrivateKey,
): readonly string[] {
  const lines: string[] = []
  for (const [name, value] of Object.entries(wanted)) {
    const old = found[name]
    if (sameValue(old, value)) continue
    const at = `${path}.${name}`
    if (typeof value === 'string') {
      lines.push(`set ${at}=${quote(name === PRIVATE_KEY ? privateKey(value) : value)}`)
      continue
    }
    if (old !== undefined) lines.push(`delete ${at}`)
    lines.push(...value.map((item) => `add_list ${at}=${quote(item)}`))
  }
  for (const name of Object.keys(found)) if (wanted[name] === undefined) lines.push(`delete ${path}.${name}`)
  return lines
}

function quote(value: string): string {
  if (/['\n\r\0]/.test(value)) throw new TypeError('a value for the router has a character that would end it')
  return `'${value}'`
}
