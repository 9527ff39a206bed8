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

/** Only what differs is said: it is not known which properties, set to what they are, end a session. */
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

/** Gone already is as good. */
export async function remove(menu: Menu, row: Row, { exec, signal }: Place): Promise<void> {
  try {
    await exec({ command: `${MENUS[menu].path}/remove`, attributes: { '.id': row['.id'] ?? '' } }, signal)
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown
  }
}

/** `no such item`, and `no such item (4)` in some versions. */
export function isGone(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.message.startsWith('no such item')
}
