import type * as v from 'valibot'

/** A schema, as far as its names are looked at. */
interface Looked {
  readonly type: string
  readonly entries?: Readonly<Record<string, Looked>>
  readonly options?: readonly Looked[]
  readonly wrapped?: Looked
  readonly item?: Looked
  readonly value?: Looked
  readonly pipe?: readonly { readonly kind: string }[]
}

/** As many letters may be wrong, of a word of four and more. */
const MOST_WRONG = 2

/**
 * The setting that somebody may have meant by a name which is none; null: nothing is near. Pure.
 * @param path from the file's beginning, with the name at its end.
 */
export function nearestName(schema: v.GenericSchema, path: readonly unknown[]): string | null {
  const name = String(path.at(-1))
  const places = path
    .slice(0, -1)
    .reduce<readonly Looked[]>((all, key) => all.flatMap((one) => inside(one, key)), plain(schema))
  const names = [...new Set(places.flatMap(({ entries = {} }) => Object.keys(entries)))]
  const [nearest] = names
    .map((known) => ({ known, wrong: editsBetween(known.toLowerCase(), name.toLowerCase()) }))
    .filter(({ known, wrong }) => wrong <= Math.min(MOST_WRONG, Math.floor(known.length / 3)))
    .toSorted((a, b) => a.wrong - b.wrong)
  return nearest?.known ?? null
}

/** Without what is around it: optional, nullable, and what a pipe does before and after. */
function plain(schema: Looked): readonly Looked[] {
  if (schema.options !== undefined) return schema.options.flatMap(plain)
  if (schema.wrapped !== undefined) return plain(schema.wrapped)
  const later = (schema.pipe ?? []).filter((one) => one.kind === 'schema') as unknown as readonly Looked[]
  if (schema.entries === undefined && later.length > 1) return later.slice(1).flatMap(plain)
  return [schema]
}

function inside(schema: Looked, key: unknown): readonly Looked[] {
  const next = schema.entries?.[String(key)] ?? schema.item ?? schema.value
  return next === undefined ? [] : plain(next)
}

/** How many letters are put in, left out, changed, or swapped with their neighbour (optimal string alignment). */
function editsBetween(one: string, other: string): number {
  const rows = [Array.from({ length: other.length + 1 }, (_, index) => index)]
  const edits = (row: number, column: number): number => rows[row]?.[column] ?? 0
  for (let row = 1; row <= one.length; row += 1) {
    const next = [row]
    rows.push(next)
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1]
      const isSwapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      const least = Math.min(
        edits(row - 1, column) + 1,
        edits(row, column - 1) + 1,
        edits(row - 1, column - 1) + (isSame ? 0 : 1),
      )
      next.push(isSwapped && row > 1 && column > 1 ? Math.min(least, edits(row - 2, column - 2) + 1) : least)
    }
  }
  return edits(one.length, other.length)
}
