import { Refused } from '../refused.ts'

/** Reads a script from its beginning to its end. */
export interface Reader {
  readonly peek: () => string
  readonly take: (expected: RegExp) => string | null
  readonly isAtEnd: () => boolean
  /** `line 1 column 5`. */
  readonly place: () => string
  readonly refuse: () => never
}

export function makeReader(source: string): Reader {
  // A command goes on behind a backslash at the end of its line.
  const text = source.replaceAll(/\\\r?\n\s*/g, ' ')
  let at = 0
  const place = (): string => {
    const before = text.slice(0, at).split('\n')
    return `line ${before.length} column ${(before.at(-1)?.length ?? 0) + 1}`
  }
  return {
    place,
    peek: () => text.slice(at, at + 1),
    isAtEnd: () => at >= text.length,
    take: (expected) => {
      const match = new RegExp(expected.source, 'y')
      match.lastIndex = at
      const found = match.exec(text)
      if (found === null) return null
      at += found[0].length
      return found[0]
    },
    refuse: () => {
      throw new Refused(`expected end of command (${place()})`, 3)
    },
  }
}

/** Escapes of the manual, Scripting, "Constant escape sequences". */
export function quoted(reader: Reader): string {
  let text = ''
  for (;;) {
    text += reader.take(/[^"\\]+/) ?? ''
    const next = reader.take(/"|\\[0-9A-F]{2}|\\./)
    if (next === null) return reader.refuse()
    if (next === '"') return text
    if (/^\\[0-9A-F]{2}$/.test(next)) text += String.fromCharCode(Number.parseInt(next.slice(1), 16))
    else text += next === '\\n' ? '\n' : next === '\\r' ? '\r' : next === '\\t' ? '\t' : next.slice(1)
  }
}
