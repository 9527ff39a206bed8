export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red'

/** Codes that turn a style on and off (ECMA-48, SGR). */
const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  green: [32, 39],
  yellow: [33, 39],
  red: [31, 39],
} as const satisfies Record<Style, readonly [number, number]>

export function styled(style: Style, text: string): string {
  const [on, off] = CODES[style]
  return `\u001B[${on}m${text}\u001B[${off}m`
}

const OWN = new RegExp(`(\\u001B\\[(?:${[...new Set(Object.values(CODES).flat())].join('|')})m)`)

/** Changes a text except for the codes above. */
export function unlessStyled(text: string, change: (text: string) => string): string {
  return text
    .split(OWN)
    .map((part, index) => (index % 2 === 1 ? part : change(part)))
    .join('')
}

/** How many characters of a text are seen. */
export function unstyledLength(text: string): number {
  return text.replaceAll(new RegExp(OWN, 'g'), '').length
}
