import { belongsTo, findOwn, isMarkedFor, ownerOf } from '../objects/ours.ts'
import type { Menu, OtherMenu, RuleMenu, Tables } from '../objects/menus.ts'
import { parseMark } from '../objects/mark.ts'
import { type OwnRule, ownRules } from '../objects/rule-row.ts'
import type { Row } from '../api/session.ts'

/** All of ours on a router at one moment, to restore it later. Holds no secret. */
export type Snapshot = Readonly<Record<Menu, readonly KeptRow[]>>

export interface KeptRow {
  /** The value that identifies the row in its menu, whatever its `.id` is by then. */
  readonly key: string
  /** The attributes that can be set. */
  readonly attributes: Readonly<Record<string, string>>
  /** The `.id` of somebody else's rule that comes after this rule; null when none does. */
  readonly before: string | null
  /** Attributes of that rule. */
  readonly next?: Readonly<Record<string, string>> | undefined
}

/** Properties that a router reports and does not take. */
const READ_ONLY: ReadonlySet<string> = new Set([
  '.id',
  'running',
  'dynamic',
  'invalid',
  'current-endpoint-address',
  'current-endpoint-port',
  'last-handshake',
  'rx',
  'tx',
])

/** @param tunnels the tunnels to include; others of ours stay out, since the change does not concern them. */
export function snapshotOf(tunnels: readonly string[], tables: Tables): Snapshot {
  const rules = (menu: RuleMenu) =>
    rulesOf(tunnels, menu, tables[menu]).map(({ row, next }) => keptRow(menu, row, next))
  const others = (menu: OtherMenu) => ownRows(tunnels, menu, tables).map((row) => keptRow(menu, row, null))
  return {
    interface: others('interface'),
    peer: others('peer'),
    address: others('address'),
    route: others('route'),
    filter: rules('filter'),
    nat: rules('nat'),
    mangle: rules('mangle'),
  }
}

/** Our rows of a menu other than those of rules. */
export function ownRows(tunnels: readonly string[], menu: OtherMenu, tables: Tables): readonly Row[] {
  return tables[menu].filter((row) => tunnels.some((name) => isOf(name, row, menu, tables)))
}

function isOf(name: string, row: Row, menu: OtherMenu, tables: Tables): boolean {
  if (ownerOf(row) === name || isMarkedFor(name, row)) return true
  const hangsOn = menu === 'peer' || menu === 'address'
  return hangsOn && findOwn(name, tables.interface) !== undefined && belongsTo(name, row)
}

/** The rules of these tunnels. */
export function rulesOf(tunnels: readonly string[], menu: RuleMenu, rows: readonly Row[]): readonly OwnRule[] {
  return ownRules(menu, rows).filter(({ row }) => tunnels.includes(parseMark(row['comment'])?.interface ?? ''))
}

/** @param menu an interface's public key follows from its private one; a peer's is configured. */
export function settable(menu: Menu, row: Row): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(row).filter(([name]) => !READ_ONLY.has(name) && !(menu === 'interface' && name === 'public-key')),
  )
}

/** @param next the rule of somebody else's that comes after a rule. */
export function keptRow(menu: Menu, row: Row, next: Row | null): KeptRow {
  const kept = { key: keyOf(menu, row), attributes: settable(menu, row) }
  return next === null
    ? { ...kept, before: null }
    : { ...kept, before: next['.id'] ?? null, next: settable(menu, next) }
}

export function keyOf(menu: Menu, row: Row): string {
  return row[KEYS[menu]] ?? ''
}

/** The property that identifies a row. An interface may get another name, and keeps its key. */
export const KEYS = {
  interface: 'public-key',
  peer: 'public-key',
  address: 'address',
  route: 'comment',
  filter: 'comment',
  nat: 'comment',
  mangle: 'comment',
} as const satisfies Record<Menu, string>
