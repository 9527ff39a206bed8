/** A configuration file of OpenWrt as uci has it in memory. A list is an array. */
export interface UciSection {
  /** Given, or made up for an anonymous one. */
  readonly name: string
  readonly isAnonymous: boolean
  readonly type: string
  readonly options: Map<string, string | string[]>
}

export type UciPackage = UciSection[]

/** Reads `config`, `option` and `list` lines; comments go, as they do when uci writes a file. @throws {SyntaxError} */
export function parseUciFile(text: string): UciPackage {
  const sections: UciPackage = []
  let anonymous = 0
  for (const { words } of lines(text)) {
    const [keyword, first, second] = words
    if (keyword === undefined || keyword === 'package') continue
    if (keyword === 'config' && first !== undefined) {
      const isAnonymous = second === undefined
      if (isAnonymous) anonymous += 1
      const name = second ?? `cfg${anonymous.toString(16).padStart(2, '0')}${hash(first)}`
      sections.push({ name, isAnonymous, type: first, options: new Map() })
      continue
    }
    const section = sections.at(-1)
    if (section === undefined || first === undefined || second === undefined)
      throw new SyntaxError('uci: Parse error (invalid command)')
    if (keyword === 'option') section.options.set(first, second)
    else if (keyword === 'list') addTo(section, first, second)
    else throw new SyntaxError('uci: Parse error (invalid command)')
  }
  return sections
}

/** As `uci export` and a commit write it. */
export function formatUciFile(sections: UciPackage, name?: string): string {
  const head = name === undefined ? '' : `package ${name}\n`
  const body = sections.map(({ name: own, isAnonymous, type, options }) => {
    const lines = [...options].flatMap(([option, value]) =>
      typeof value === 'string'
        ? [`\toption ${option} ${quote(value)}`]
        : value.map((item) => `\tlist ${option} ${quote(item)}`),
    )
    return `\nconfig ${type}${isAnonymous ? '' : ` ${quote(own)}`}\n${lines.map((line) => `${line}\n`).join('')}`
  })
  return `${head}${body.join('')}${body.length === 0 && name === undefined ? '' : '\n'}`
}

export function addTo({ options }: UciSection, option: string, value: string): void {
  const there = options.get(option)
  options.set(option, there === undefined ? [value] : [...(typeof there === 'string' ? [there] : there), value])
}

export function quote(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`
}

function hash(text: string): string {
  let sum = 0
  for (const character of text) sum = (sum * 31 + character.charCodeAt(0)) % 0xffff
  return sum.toString(16).padStart(4, '0')
}

/** Words of a shell-like line, with the quotes taken off. @throws {SyntaxError} on a quote that does not end. */
export function* lines(text: string): Generator<{ readonly words: readonly string[] }> {
  const piece = /#[^\n]*|'((?:[^'])*)'|"([^"]*)"|\\(.)|([^\s'"\\#]+|#)|([ \t]+)|\n/y
  let words: string[] = []
  let word: string | null = null
  while (piece.lastIndex < text.length) {
    const at = piece.lastIndex
    const match = piece.exec(text)
    if (match === null) throw new SyntaxError("uci: Parse error (unterminated ')")
    const [all, single, double, escaped, plain, space] = match
    if (all.startsWith('#') && plain === undefined) {
      // A comment begins at the beginning of a word alone.
      if (word === null) continue
      piece.lastIndex = at + 1
      word += '#'
      continue
    }
    const part = single ?? double ?? escaped ?? plain
    if (part !== undefined) {
      word = (word ?? '') + part
      continue
    }
    if (word !== null) words.push(word)
    word = null
    if (space === undefined && words.length > 0) {
      yield { words }
      words = []
    }
  }
  if (word !== null) words.push(word)
  if (words.length > 0) yield { words }
}
