import type { Row } from '../api/session.ts'
import { add, remove, set } from '../objects/change.ts'
import { collectLosses, type Loss, type Losses } from './losses.ts'
import { type Menu, type OtherMenu, readTables, RULE_MENUS, type Tables } from '../objects/menus.ts'
import { inNamesNow, type NamesNow, namesNow } from './names-now.ts'
import { isBlackhole } from '../objects/ours.ts'
import type { Place } from '../objects/place.ts'
import { restoreRules } from './restore-rules.ts'
import { type KeptRow, keptRow, keyOf, ownRows, type Snapshot } from './snapshot.ts'

/** The inputs of a restore. */
interface Restoring {
  readonly tunnels: readonly string[]
  readonly snapshot: Snapshot
  readonly place: Place
  readonly losses: Losses
}

/**
 * Restores what is ours on the router; sends nothing where nothing differs. An interface that is there stays, and its
 * key with it. A deleted interface cannot be restored: only the router knew its key, and what named the interface is
 * left out.
 * @returns what could not be restored.
 */
export async function restore(tunnels: readonly string[], snapshot: Snapshot, place: Place): Promise<readonly Loss[]> {
  const work: Restoring = { tunnels, snapshot, place, losses: collectLosses() }
  const found = await readTables(place.exec, place.signal)
  // Peers, addresses and routes go before the rules that judge them, and come after them.
  await clear('peer', found, work)
  await clear('address', found, work)
  await clear('route', found, work)
  await putInterfaces(found, work)
  // By now the interfaces have their names again, and all that names them follows.
  const tables = await readTables(place.exec, place.signal)
  const names = namesNow(snapshot, tables.interface)
  for (const menu of RULE_MENUS) await restoreRules({ menu, rows: tables[menu], kept: snapshot[menu], names }, work)
  await put('route', tables, names, work)
  await put('address', tables, names, work)
  await put('peer', tables, names, work)
  await clear('interface', tables, work)
  return work.losses.all()
}

async function clear(menu: OtherMenu, tables: Tables, work: Restoring): Promise<void> {
  const { tunnels, snapshot, place, losses } = work
  const kept = new Set(snapshot[menu].map(({ key }) => key))
  for (const row of ownRows(tunnels, menu, tables))
    if (!kept.has(keyOf(menu, row)))
      await losses.attempt(menu, keptRow(menu, row, null), () => remove(menu, row, place))
}

async function putInterfaces(tables: Tables, { tunnels, snapshot, place, losses }: Restoring): Promise<void> {
  for (const kept of snapshot.interface) {
    const found = foundIn(ownRows(tunnels, 'interface', tables), 'interface', kept)
    if (found === undefined) losses.note('interface', kept, 'it was deleted, and nobody but the router knew its key')
    else await losses.attempt('interface', kept, () => set('interface', found, kept.attributes, place))
  }
}

async function put(
  menu: Exclude<OtherMenu, 'interface'>,
  tables: Tables,
  names: NamesNow,
  { tunnels, snapshot, place, losses }: Restoring,
): Promise<void> {
  const there = ownRows(tunnels, menu, tables)
  for (const kept of snapshot[menu]) {
    const found = foundIn(there, menu, kept)
    const wanted = inNamesNow(kept.attributes, names)
    // A row that is as it was then stays, even if it names what is gone.
    if (found !== undefined && isAsKept(menu, found, kept)) continue
    if (wanted.kind === 'gone') losses.note(menu, kept, wanted.why)
    else
      await losses.attempt(menu, kept, () =>
        found === undefined
          ? add(menu, forAdding(wanted.attributes), place)
          : set(menu, found, forSetting(wanted.attributes), place),
      )
  }
}

function foundIn(rows: readonly Row[], menu: Menu, { key }: KeptRow): Row | undefined {
  return rows.find((row) => keyOf(menu, row) === key)
}

function isAsKept(menu: Menu, row: Row, kept: KeptRow): boolean {
  const { attributes } = keptRow(menu, row, null)
  return Object.entries(kept.attributes).every(([name, value]) => attributes[name] === value)
}

function forAdding(attributes: KeptRow['attributes']): Readonly<Record<string, string>> {
  const rest = forSetting(attributes)
  // The flag is taken without a value; a route with it has no gateway.
  if (!isBlackhole(attributes)) return rest
  const { gateway: _, ...route } = rest
  return { ...route, blackhole: '' }
}

function forSetting(attributes: KeptRow['attributes']): Readonly<Record<string, string>> {
  const { blackhole: _, ...rest } = attributes
  return rest
}
