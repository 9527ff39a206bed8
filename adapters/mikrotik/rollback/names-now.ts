import type { Row } from '../api/session.ts'
import type { KeptRow, Snapshot } from './snapshot.ts'

/** What the interfaces of a snapshot are called now; null: gone. */
export type NamesNow = ReadonlyMap<string, string | null>

/** By key: meanwhile somebody else's interface may have the name. */
export function namesNow({ interface: kept }: Snapshot, interfaces: readonly Row[]): NamesNow {
  const nameOf = (key: string): string | null => interfaces.find((row) => row['public-key'] === key)?.['name'] ?? null
  return new Map(kept.map(({ key, attributes }) => [attributes['name'] ?? '', nameOf(key)]))
}

type Attributes = KeptRow['attributes']

/** A kept row in today's names, or why it cannot be had again. */
export type Renamed =
  | { readonly kind: 'named'; readonly attributes: Attributes }
  | { readonly kind: 'gone'; readonly why: string }

/** What a row names, by property. */
export function namedIn(attributes: Attributes): readonly Named[] {
  return NAMING.flatMap((property) => {
    const [, not = '', name = ''] = /^(!?)(.+)$/s.exec(attributes[property] ?? '') ?? []
    return name === '' ? [] : [{ property, not, name }]
  })
}

interface Named {
  readonly property: string
  /** `!` where it must not be that one. */
  readonly not: string
  readonly name: string
}

/** Properties whose value names another row. */
const NAMING = ['interface', 'in-interface', 'out-interface', 'gateway', 'in-interface-list', 'out-interface-list']

/**
 * RouterOS shows the number of what was deleted (`in-interface=*7`, `!*7`), and takes neither that nor a name that nothing
 * has.
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

/** Of what was deleted. */
export function isNumber(name: string): boolean {
  return name.startsWith('*')
}
