import { isTrue } from '../api/flag.ts'
import { type Menu, MENUS } from './menus.ts'
import type { Place } from './place.ts'
import type { Row } from '../api/session.ts'

export async function add(
  menu: Menu,
  attributes: Readonly<Record<string, string>>,
  { exec, signal }: Place,
): Promise<void> {
  await exec({ command: `${MENUS[menu].path}/add`, attributes }, signal)
}

/** Sets only the attributes that differ: it is not known which ones end a session when set to the same value. */
export async function set(
  menu: Menu,
  row: Row,
  attributes: Readonly<Record<string, string>>,
  { exec, signal }: Place,
): Promise<void> {
  const differing = Object.entries(attributes).filter(([name, value]) => !isSame(row[name], value))
  if (differing.length === 0) return
  const command = `${MENUS[menu].path}/set`
  await exec({ command, attributes: { '.id': row['.id'] ?? '', ...Object.fromEntries(differing) } }, signal)
}

function isSame(found: string | undefined, wanted: string): boolean {
  if (wanted === 'yes' || wanted === 'no') return isTrue(found) === (wanted === 'yes')
  return found === wanted
}

/** Removes a row; one that is already gone is fine. */
export async function remove(menu: Menu, row: Row, { exec, signal }: Place): Promise<void> {
  try {
    await exec({ command: `${MENUS[menu].path}/remove`, attributes: { '.id': row['.id'] ?? '' } }, signal)
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown
  }
}

/** Whether the row is gone: `no such item`, and `no such item (4)` in some versions. */
export function isGone(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.message.startsWith('no such item')
}
