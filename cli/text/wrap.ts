import { unstyledLength } from './style.ts'

/** How wide a terminal is that does not say. */
const USUAL_WIDTH = 80

/** The width for text that people read; null: nobody looks at a terminal, and a line stays one line, which scripts search. */
export function widthOfReader(): number | null {
  if (!process.stdout.isTTY) return null
  return process.stdout.columns > 0 ? process.stdout.columns : USUAL_WIDTH
}

/**
 * Breaks a line at its spaces, with the following lines indented; a word that is longer stays whole. Of several lines the
 * first: those below are commands to paste.
 */
export function wrapped(text: string, width: number | null, indent: number): string {
  const [line = '', ...below] = text.split('\n')
  return [brokenUp(line, width, indent), ...below].join('\n')
}

function brokenUp(line: string, width: number | null, indent: number): string {
  if (width === null || unstyledLength(line) <= width) return line
  const [, lead = '', rest = ''] = /^( *)(.*)$/s.exec(line) ?? []
  const lines: string[] = []
  let current = lead
  for (const word of rest.split(' ')) {
    const next = current.trim() === '' ? `${current}${word}` : `${current} ${word}`
    if (unstyledLength(next) <= width || current.trim() === '') current = next
    else {
      lines.push(current.trimEnd())
      current = `${' '.repeat(indent)}${word}`
    }
  }
  return [...lines, current].join('\n')
}
