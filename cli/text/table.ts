/** Columns as wide as they need to be. The first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/**
 * The same, no wider than a terminal: without as many of the columns that matter least as it takes.
 * @param width null: as wide as it is.
 * @param least headings, those that go first first.
 */
export function tableWithin(
  width: number | null,
  rows: readonly (readonly string[])[],
  least: readonly string[],
): string {
  const whole = table(rows)
  const [first, ...others] = least
  if (width === null || first === undefined || whole.split('\n').every((line) => line.length <= width)) return whole
  const gone = (rows[0] ?? []).indexOf(first)
  return tableWithin(width, gone < 0 ? rows : rows.map((row) => row.filter((_, column) => column !== gone)), others)
}
