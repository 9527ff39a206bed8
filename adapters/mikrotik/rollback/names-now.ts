import type { Row } from '../api/session.ts'
import type { KeptRow, Snapshot } from './snapshot.ts'

/** The present names of a snapshot's interfaces; null: gone. */
export type NamesNow = ReadonlyMap<string, string | null>

/** Finds interfaces by key: somebody else's may have the name by now. */
export function namesNow({ interface: kept }: Snapshot, interfaces: readonly Row[]): NamesNow {
  const nameOf = (key: string): string | null => interfaces.find((row) => row['public-key'] === key)?.['name'] ?? null
  return new Map(kept.map(({ key, attributes }) => [attributes['name'] ?? '', nameOf(key)]))
}

type Attributes = KeptRow['attributes']

/** A kept row in present names, or why it cannot be restored. */
export type Renamed =
  | { readonly kind: 'named'; readonly attributes: Attributes }
  | { readonly kind: 'gone'; readonly why: string }

/** The names in a row's properties. */
export function namedIn(attributes: Attributes): readonly Named[] {
  return NAMING.flatMap((property) => {
    const [, not = '', name = ''] = /^(!?)(.+)$/s.exec(attributes[property] ?? '') ?? []
    return name === '' ? [] : [{ property, not, name }]
  })
}

interface Named {
  readonly property: string
  /** `!` in a match of all others. */
  readonly not: string
  readonly name: string
}

/** Properties whose value names another row. */
const NAMING = ['interface', 'in-interface', 'out-interface', 'gateway', 'in-interface-list', 'out-interface-list']

/**
 * A row's attributes in present names. RouterOS shows a deleted row as a number (`in-interface=*7`, `!*7`), and takes
 * neither that nor a name that no row has.
 */
export function inNamesNow(attributes: Attributes, names: NamesNow): Renamed {
  const renamed: Record<string, string> = { ...attributes }
  for (const { property, not, name } of namedIn(attributes)) {
    if (isNumber(name)) return { kind: 'gone', why: `what they name (${property} ${name}) was deleted before` }
    const now = property.endsWith('-list') ? undefined : names.get(name)
    if (now === null) return { kind: 'gone', why: `the interface ${name} is gone` }
    if (now !== undefined) renamed[property] = `${not}${now}`
  }
  return { kind: 'named', attributes: renamed }
}

/** Whether a name is the number of a deleted row. */
export function isNumber(name: string): boolean {
  return name.startsWith('*')
}
