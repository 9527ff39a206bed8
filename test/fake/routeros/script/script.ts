import { makeReader, quoted, type Reader } from './reader.ts'
import { Refused } from '../refused.ts'
import type { Flaw, Spelling } from './script-check.ts'
import { DONE, type Answer, type Command } from '../commands/table-commands.ts'
import { secondsIn } from '../tables/values.ts'

/**
 * So much of RouterOS's scripting language (manual, "Scripting") as undo scripts and an owner's console need. What it does
 * not know it refuses, as a router does.
 */
export interface ScriptHands {
  readonly run: (command: Command) => Promise<Answer>
  readonly sleep: (seconds: number) => Promise<void>
  readonly flawOf: (spelling: Spelling) => Flaw | null
}

/** @returns what the last command printed. @throws {Refused} of the first command that fails. */
export async function runScript(source: string, hands: ScriptHands): Promise<Answer> {
  const parsed = parseBlock(makeReader(source), false)
  check(parsed, hands)
  return await runAll(parsed, hands)
}

/** @throws {Refused} at the first word that this router does not know, wherever it stands. */
function check(nodes: readonly Node[], hands: ScriptHands): void {
  for (const node of nodes) {
    if (node.kind === 'do') {
      check(node.body, hands)
      check(node.onError ?? [], hands)
    } else if (node.kind === 'if') check(node.body, hands)
    if (node.kind !== 'command') continue
    const named = node.words.filter(({ name }) => name !== null)
    const flaw = hands.flawOf({ path: node.path, verb: node.verb, names: named.map(({ name }) => name ?? '') })
    if (flaw?.kind === 'command') throw new Refused(`bad command name ${flaw.name} (${node.at})`, 3)
    if (flaw?.kind === 'word') throw new Refused(`expected end of command (${named[flaw.index]?.at})`, 3)
  }
}

/** Of text, in words and values. */
type Node =
  | {
      readonly kind: 'command'
      readonly at: string
      readonly path: string
      readonly verb: string
      readonly words: readonly Word[]
    }
  | { readonly kind: 'delay'; readonly seconds: number }
  | { readonly kind: 'do'; readonly body: readonly Node[]; readonly onError: readonly Node[] | null }
  | {
      readonly kind: 'if'
      readonly left: Value
      readonly right: string
      readonly isEqual: boolean
      readonly body: readonly Node[]
    }

interface Word {
  /** Where it stands, as a router says it. */
  readonly at: string
  readonly name: string | null
  readonly operator: '=' | '!=' | '~'
  readonly value: Value
}

type Value =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'find'; readonly path: string | null; readonly words: readonly Word[] }
  | { readonly kind: 'length'; readonly of: Value }
  /** One property of one row. */
  | { readonly kind: 'get'; readonly path: string; readonly row: string; readonly property: string }

async function runAll(nodes: readonly Node[], hands: ScriptHands): Promise<Answer> {
  let last = DONE
  for (const node of nodes) last = await runNode(node, hands)
  return last
}

async function runNode(node: Node, hands: ScriptHands): Promise<Answer> {
  switch (node.kind) {
    case 'delay':
      await hands.sleep(node.seconds)
      return DONE
    case 'do':
      try {
        return await runAll(node.body, hands)
      } catch (thrown) {
        if (!(thrown instanceof Refused) || node.onError === null) throw thrown
        return await runAll(node.onError, hands)
      }
    case 'if': {
      const left = await textOf(node.left, '', hands)
      return (left === node.right) === node.isEqual ? await runAll(node.body, hands) : DONE
    }
    case 'command':
      return await runCommand(node, hands)
    default:
      return node satisfies never
  }
}

async function runCommand(node: Extract<Node, { kind: 'command' }>, hands: ScriptHands): Promise<Answer> {
  const { path, verb, words } = node
  const attributes = new Map<string, string>()
  for (const { name, value } of words) {
    const text = await textOf(value, path, hands)
    // What stands alone names the rows, or is a flag.
    if (name !== null) attributes.set(name, text)
    else if (value.kind === 'find' || text.startsWith('*')) attributes.set('.id', text)
    else if (['set', 'remove', 'enable', 'disable', 'move', 'sign', 'comment'].includes(verb))
      attributes.set('.id', text)
    else attributes.set(text, '')
  }
  // Of nothing found nothing is changed, without a word.
  if (attributes.get('.id') === '' && verb !== 'print') return DONE
  return await hands.run({ path, verb, attributes, queries: [] })
}

async function textOf(value: Value, path: string, hands: ScriptHands): Promise<string> {
  switch (value.kind) {
    case 'text':
      return value.text
    case 'find':
      return (await find(value, path, hands)).join(';')
    case 'get': {
      const { rows } = await hands.run({ path: value.path, verb: 'print', attributes: new Map(), queries: [] })
      const row = rows.find((one) => one['name'] === value.row)
      if (row === undefined) throw new Refused('no such item')
      return row[value.property] ?? ''
    }
    case 'length': {
      const text = await textOf(value.of, path, hands)
      return String(text === '' ? 0 : text.split(';').length)
    }
    default:
      return value satisfies never
  }
}

async function find(
  { path, words }: Extract<Value, { kind: 'find' }>,
  around: string,
  hands: ScriptHands,
): Promise<readonly string[]> {
  const where = path ?? around
  const { rows } = await hands.run({ path: where, verb: 'print', attributes: new Map(), queries: [] })
  return rows.filter((row) => words.every((word) => fits(word, row))).map((row) => row['.id'] ?? '')
}

function fits({ name, operator, value }: Word, row: Readonly<Record<string, string>>): boolean {
  const wanted = value.kind === 'text' ? value.text : ''
  // A property alone: it is so.
  if (name === null) return row[wanted] === 'true'
  const found = row[name] ?? ''
  if (operator === '~') return new RegExp(wanted).test(found)
  const same = found === wanted || (wanted === 'yes' && found === 'true') || (wanted === 'no' && found === 'false')
  return same === (operator === '=')
}

function parseBlock(reader: Reader, isInner: boolean): readonly Node[] {
  const nodes: Node[] = []
  let menu = ''
  for (;;) {
    reader.take(/(?:[\s;]|#[^\n]*)+/)
    if (isInner && reader.peek() === '}') break
    if (reader.isAtEnd()) {
      if (isInner) reader.refuse()
      break
    }
    const node = parseStatement(reader, menu)
    if (typeof node === 'string') menu = node
    else nodes.push(node)
    reader.take(/[ \t]+/)
    if (!reader.isAtEnd() && !/[\n;}\r#]/.test(reader.peek())) reader.refuse()
  }
  return nodes
}

/** @returns a menu to be in from now on, when nothing but its path stands there. */
function parseStatement(reader: Reader, menu: string): Node | string {
  if (reader.take(/:delay[ \t]+/) !== null) {
    const seconds = secondsIn(reader.take(/[\w:]+/) ?? '')
    return seconds === null ? reader.refuse() : { kind: 'delay', seconds }
  }
  if (reader.take(/:do[ \t]*/) !== null) return parseDo(reader)
  if (reader.take(/:if[ \t]*\([ \t]*/) !== null) return parseIf(reader)
  const at = reader.place()
  const { path, verb } = parsePath(reader, menu)
  if (verb === null) return path
  return { kind: 'command', at, path, verb, words: parseWords(reader, /[\s;}\]]/) }
}

function parseDo(reader: Reader): Node {
  const body = braces(reader)
  const hasHandler = reader.take(/[ \t]*on-error[ \t]*=[ \t]*/) !== null
  return { kind: 'do', body, onError: hasHandler ? braces(reader) : null }
}

function parseIf(reader: Reader): Node {
  const left = parseValue(reader)
  const operator = reader.take(/[ \t]*(?:!=|=)[ \t]*/)?.trim()
  const right = reader.take(/[\w.-]+/)
  if (operator === undefined || right === null || reader.take(/[ \t]*\)[ \t]*do[ \t]*=[ \t]*/) === null)
    return reader.refuse()
  return { kind: 'if', left, right, isEqual: operator === '=', body: braces(reader) }
}

function braces(reader: Reader): readonly Node[] {
  if (reader.take(/\{/) === null) return reader.refuse()
  const nodes = parseBlock(reader, true)
  if (reader.take(/\}/) === null) return reader.refuse()
  return nodes
}

/** `/ip/route/add` or `/ip route add`; without a slash in the menu of before. */
function parsePath(reader: Reader, menu: string): { readonly path: string; readonly verb: string | null } {
  const parts: string[] = []
  const isAbsolute = reader.peek() === '/'
  for (;;) {
    const part = reader.take(/\/?[a-z][a-z0-9-]*(?![a-z0-9-]*[=~!])/)
    if (part === null) break
    parts.push(part.replace('/', ''))
    if (VERBS.has(parts.at(-1) ?? '')) break
    reader.take(/[ \t]+(?=[a-z])/)
  }
  if (parts.length === 0) return reader.refuse()
  const verb = VERBS.has(parts.at(-1) ?? '') ? (parts.pop() ?? null) : null
  const path = parts.length === 0 ? menu : `${isAbsolute ? '' : menu}/${parts.join('/')}`
  return { path, verb }
}

const VERBS: ReadonlySet<string> = new Set(
  'add set remove enable disable print find move comment sign run take release unroll get ping export execute reset'.split(
    ' ',
  ),
)

function parseWords(reader: Reader, end: RegExp): readonly Word[] {
  const words: Word[] = []
  for (;;) {
    reader.take(/[ \t]+/)
    if (reader.isAtEnd() || end.test(reader.peek())) return words
    if (reader.take(/(?:where|and)(?=[ \t])/) !== null) continue
    const at = reader.place()
    const name = reader.take(/[a-z.][a-z0-9.-]*(?=(?:=|!=|~))/)
    const operator = name === null ? null : reader.take(/(?:!=|=|~)/)
    words.push({ at, name, operator: (operator ?? '=') as Word['operator'], value: parseValue(reader) })
  }
}

function parseValue(reader: Reader): Value {
  if (reader.take(/\[[ \t]*/) !== null) {
    const value = parseBracket(reader)
    if (reader.take(/[ \t]*\]/) === null) return reader.refuse()
    return value
  }
  if (reader.take(/"/) !== null) return { kind: 'text', text: quoted(reader) }
  if (reader.take(/\{/) !== null) return reader.refuse()
  return { kind: 'text', text: reader.take(/[^\s;\]}"]*/) ?? '' }
}

function parseBracket(reader: Reader): Value {
  if (reader.take(/:len[ \t]+/) !== null) return { kind: 'length', of: parseValue(reader) }
  const { path, verb } = parsePath(reader, '')
  if (verb === 'get') {
    reader.take(/[ \t]+/)
    const row = reader.take(/[\w.-]+/)
    reader.take(/[ \t]+/)
    const property = reader.take(/[a-z-]+/)
    return row === null || property === null ? reader.refuse() : { kind: 'get', path, row, property }
  }
  if (verb !== 'find') return reader.refuse()
  return { kind: 'find', path: path === '' ? null : path, words: parseWords(reader, /\]/) }
}
