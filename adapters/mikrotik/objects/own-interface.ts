import type { Row } from '../api/session.ts'
import { remove } from './change.ts'
import { type Menu, readMenu } from './menus.ts'
import { belongsTo, findOwn, isMarkedFor } from './ours.ts'
import type { Place } from './place.ts'

/** Removes all that bears the mark of this interface, and what hangs on it, except the interface and the rules. */
export async function stripInterface(name: string, site: Place): Promise<void> {
  const own = await findInterface(name, site)
  for (const menu of ['peer', 'address'] as const)
    for (const row of await readMenu(site.exec, menu, site.signal))
      if (own === undefined ? isMarkedFor(name, row) : belongsTo(name, row)) await remove(menu, row, site)
  await removeRoutes(name, () => true, site)
}

/** @returns our interface of this name; undefined when there is none, or it is somebody else's. */
export async function findInterface(name: string, { exec, signal }: Place): Promise<Row | undefined> {
  const rows = await readMenu(exec, 'interface', signal)
  return findOwn(name, rows)
}

export async function removeRoutes(name: string, which: (row: Row) => boolean, site: Place): Promise<void> {
  for (const row of await read('route', site))
    if (isMarkedFor(name, row) && which(row)) await remove('route', row, site)
}

export function read(menu: Menu, { exec, signal }: Place): Promise<readonly Row[]> {
  return readMenu(exec, menu, signal)
}
