/**
 * Words that others chose (a hub, a home, a router, another program) for people to read. What a terminal, a mail or a
 * spreadsheet would take for something else than a character becomes �: controls (C0, DEL, C1: ECMA-48), what turns or
 * hides text (bidi overrides and isolates, zero width, tags: Unicode's category Cf), separators of lines and paragraphs,
 * and halves of surrogate pairs.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
const LINE_BREAKS = /(?:\s*[\n\r\v\f\u0085\u2028\u2029]\s*)+/g

/** Keeps the lines as they are laid out. */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map((line) => line.replaceAll('\t', ' ').replaceAll(UNPRINTABLE, '\uFFFD'))
    .join('\n')
}

/** Nobody but homeward itself begins a new line. */
export function oneLine(text: string): string {
  return printable(text.replaceAll(LINE_BREAKS, ' '))
}

/** Enough for a sentence and its reason. */
const LONGEST_QUOTE = 300

/** Somebody else's words, marked as such: they cannot end the mark, nor fill the screen. */
export function quoted(text: string, most = LONGEST_QUOTE): string {
  const line = oneLine(text.slice(0, 4 * most))
    .trim()
    .replaceAll('"', "'")
  const characters = Array.from(line)
  return `"${characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : line}"`
}

/** Of homeward's own sentences: a warning may have lines to paste below it, and what it repeats of others is in one line. */
const IN_LINES: ReadonlySet<string> = new Set(['warnings'])

/** Every text in an answer as one line, before lines are made of them. */
export function printableFacts<Facts>(facts: Facts, fit = oneLine): Facts {
  if (typeof facts === 'string') return fit(facts) as Facts
  if (Array.isArray(facts)) return facts.map((one: unknown) => printableFacts(one, fit)) as Facts
  if (facts === null || typeof facts !== 'object') return facts
  return Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [
      oneLine(key),
      printableFacts(value as unknown, IN_LINES.has(key) ? printable : fit),
    ]),
  ) as Facts
}

/** JSON that means the same, and is safe to look at: RFC 8259, 7 lets any character be written as an escape. */
export function printableJson(json: string): string {
  return json.replaceAll(UNPRINTABLE, (character) =>
    character === '\n'
      ? character
      : Array.from(
          { length: character.length },
          (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
        ).join(''),
  )
}
