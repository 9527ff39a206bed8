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
  if (process.argv.includes('--json')) console.log(JSON.stringify({ title, rows }, null, 2))
  else printTable(title, rows)
  if (rows.some((row) => !row.met)) process.exitCode = 1
}

function printTable(title: string, rows: readonly Row[]): void {
  const lines = [['', 'measured', 'yardstick', 'reach'], ...rows.map((r) => [r.what, r.measured, r.yardstick, r.reach])]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  console.log(`\n${title}`)
  for (const [index, line] of lines.entries()) {
    const row = rows[index - 1]
    const mark = row === undefined ? ' ' : row.met ? styleText('green', '✓') : styleText('red', '✗')
    console.log(`${mark} ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`)
  }
}
