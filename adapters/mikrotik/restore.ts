import { add, isGone, remove, set } from './change.ts'
import { isBlackhole } from './ours.ts'
import { type OtherMenu, readTables, RULE_MENUS, type RuleMenu, type Tables } from './menus.ts'
import type { Place } from './place.ts'
import { ownRules } from './rule-row.ts'
import { type KeptRow, keptRow, keyOf, ownRows, type Snapshot } from './snapshot.ts'

/**
 * Makes what is ours on the router as it was; nothing is said where nothing differs. An interface that is there stays, and
 * its key with it. One that is gone cannot be had again: nobody but the router knew its key.
 */
export async function restore(interfaceName: string, snapshot: Snapshot, place: Place): Promise<void> {
  const tables = await readTables(place.exec, place.signal)
  // What the tunnel lives on goes before the rules that judge it, and comes after them.
  await clear(interfaceName, 'peer', tables, snapshot, place)
  await clear(interfaceName, 'address', tables, snapshot, place)
  await clear(interfaceName, 'route', tables, snapshot, place)
  await put(interfaceName, 'interface', tables, snapshot, place)
  for (const menu of RULE_MENUS) await restoreRules(menu, tables, snapshot[menu], place)
  await put(interfaceName, 'route', tables, snapshot, place)
  await put(interfaceName, 'address', tables, snapshot, place)
  await put(interfaceName, 'peer', tables, snapshot, place)
  await clear(interfaceName, 'interface', tables, snapshot, place)
}

async function clear(name: string, menu: OtherMenu, tables: Tables, snapshot: Snapshot, place: Place): Promise<void> {
  const kept = new Set(snapshot[menu].map(({ key }) => key))
  for (const row of ownRows(name, menu, tables)) if (!kept.has(keyOf(menu, row))) await remove(menu, row, place)
}

async function put(name: string, menu: OtherMenu, tables: Tables, snapshot: Snapshot, place: Place): Promise<void> {
  const there = ownRows(name, menu, tables)
  for (const { key, attributes } of snapshot[menu]) {
    const found = there.find((row) => keyOf(menu, row) === key)
    if (found === undefined) {
      if (menu !== 'interface') await add(menu, forAdding(attributes), place)
    } else await set(menu, found, forSetting(attributes), place)
  }
}

function forAdding(attributes: KeptRow['attributes']): Readonly<Record<string, string>> {
  const rest = forSetting(attributes)
  // The flag is taken bare; a route with it has no gateway.
  if (!isBlackhole(attributes)) return rest
  const { gateway: _, ...route } = rest
  return { ...route, blackhole: '' }
}

function forSetting(attributes: KeptRow['attributes']): Readonly<Record<string, string>> {
  const { blackhole: _, ...rest } = attributes
  return rest
}

async function restoreRules(menu: RuleMenu, tables: Tables, kept: readonly KeptRow[], place: Place): Promise<void> {
  const own = ownRules(menu, tables[menu])
  const found = own.map(({ row, before }) => keptRow(menu, row, before))
  if (JSON.stringify(found.map(sorted)) === JSON.stringify(kept.map(sorted))) return
  for (const { attributes, before } of kept) await addRule(menu, attributes, before, place)
  for (const { row } of own) await remove(menu, row, place)
}

async function addRule(
  menu: RuleMenu,
  attributes: KeptRow['attributes'],
  before: string | null,
  place: Place,
): Promise<void> {
  if (before === null) return add(menu, attributes, place)
  try {
    await add(menu, { ...attributes, 'place-before': before }, place)
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown
    // What it stood before is gone: behind all others it does no harm, and the next plan finds it.
    await add(menu, attributes, place)
  }
}

function sorted({ attributes, before }: KeptRow): unknown {
  return [before, ...Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))]
}
