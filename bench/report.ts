import { styleText } from 'node:util'

/** One line of a bench: what was measured, the yardstick of the same run, and what should be reached. */
export interface Row {
  readonly what: string
  readonly measured: string
  /** What it stands beside; empty where a fixed bound is the yardstick. */
  readonly yardstick: string
  readonly reach: string
  readonly met: boolean
}

/** The middle value: one disturbed run on a shared machine does not move it. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
}

/** Prints the rows, as JSON when the bench was called with --json, and sets the exit status. */
export function report(title: string, rows: readonly Row[]): void {
  const lines = rows.map(({ what, measured, yardstick, reach, met }) => ({
    cells: [what, measured, yardstick, reach],
    met,
  }))
  reportTable({ title, headings: ['', 'measured', 'yardstick', 'reach'], lines, facts: { title, rows } })
}

export interface Table {
  readonly title: string
  readonly headings: readonly string[]
  readonly lines: readonly { readonly cells: readonly string[]; readonly met: boolean }[]
  /** What --json prints in its place. */
  readonly facts: unknown
}

/** The same for a bench that has columns of its own. */
export function reportTable(table: Table): void {
  if (process.argv.includes('--json')) console.log(JSON.stringify(table.facts, null, 2))
  else console.log(tableText(table))
  if (table.lines.some((line) => !line.met)) process.exitCode = 1
}

function tableText({ title, headings, lines }: Omit<Table, 'facts'>): string {
  const all = [headings, ...lines.map((line) => line.cells)]
  const widths = headings.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)))
  const texts = all.map((cells, index) => {
    const met = lines[index - 1]?.met
    const mark = met === undefined ? ' ' : met ? styleText('green', '✓') : styleText('red', '✗')
    return `${mark} ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()
  })
  return ['', title, ...texts].join('\n')
}
