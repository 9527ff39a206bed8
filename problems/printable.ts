/**
 * Characters that printable replaces by � in words that others chose (a hub, a home, a router, another program): those
 * that a terminal, a mail or a spreadsheet would take for something else than a character. Controls (C0, DEL, C1:
 * ECMA-48), characters that turn or hide text (bidi overrides and isolates, zero width, tags: Unicode's category Cf),
 * separators of lines and paragraphs, and halves of surrogate pairs.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
const LINE_BREAKS = /(?:\s*[\n\r\v\f\u0085\u2028\u2029]\s*)+/g

/** Text that is safe to print, with its lines as they are laid out. */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map((line) => line.replaceAll('\t', ' ').replaceAll(UNPRINTABLE, '\uFFFD'))
    .join('\n')
}

/** Text that is safe to print, on one line: only homeward itself begins a new line. */
export function oneLine(text: string): string {
  return printable(text.replaceAll(LINE_BREAKS, ' '))
}

/** The longest quote, in characters: enough for a sentence and its reason. */
const LONGEST_QUOTE = 300

/** Somebody else's words in quotes: they can neither close the quotes nor fill the screen. */
export function quoted(text: string, most = LONGEST_QUOTE): string {
  const line = oneLine(text.slice(0, 4 * most))
    .trim()
    .replaceAll('"', "'")
  const characters = Array.from(line)
  return `"${characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : line}"`
}

/** Fields with homeward's own lines: a warning may have lines to paste below it, and quotes others on one line. */
const IN_LINES: ReadonlySet<string> = new Set(['warnings'])

/** Makes every text in an answer one line, before the answer is laid out in lines. */
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

/** The same JSON, safe to look at: unprintable characters are escapes, which RFC 8259, 7 allows for any character. */
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
