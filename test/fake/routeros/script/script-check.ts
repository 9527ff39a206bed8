import { MENUS } from '../tables/menus.ts'
import { isKnown } from '../tables/shown.ts'
import { menuOf } from '../tables/tables.ts'
import { isAtLeast, type Version } from '../version.ts'

/** A command of a script, by names alone. */
export interface Spelling {
  readonly path: string
  readonly verb: string
  /** Of the words with a value, in their order. */
  readonly names: readonly string[]
}

export type Flaw =
  | { readonly kind: 'command'; readonly name: string }
  | { readonly kind: 'word'; readonly index: number }

const NAMES_ROWS = ['set', 'remove', 'enable', 'disable', 'move', 'comment']
const OTHER_VERBS = ['print', 'find', 'get', 'export']

/**
 * A script is read whole before its first command runs, and one unknown word in it, be it under an `on-error`, keeps all of
 * it from running (manual, "Scripting": syntax errors are no run-time errors).
 */
export function flawOf({ path, verb, names }: Spelling, version: Version): Flaw | null {
  const command = `${path}/${verb}`
  if (path.startsWith('/interface/wireguard') && !isAtLeast(version, '7.1'))
    return { kind: 'command', name: 'wireguard' }
  if (command.startsWith('/safe-mode/') && !isAtLeast(version, '7.18')) return { kind: 'command', name: 'safe-mode' }
  const menu = menuOf(path)
  // Menus that are not settings judge their words themselves.
  if (menu === undefined)
    return MENUS.some((one) => one.path.startsWith(`${path}/`)) ? { kind: 'command', name: verb } : null
  if (OTHER_VERBS.includes(verb)) return null
  if (verb !== 'add' && !NAMES_ROWS.includes(verb)) return null
  const extra =
    verb === 'add' ? ['place-before', 'copy-from'] : ['numbers', '.id', ...(verb === 'move' ? ['destination'] : [])]
  const index = names.findIndex((name) => !extra.includes(name) && !isKnown(menu.properties[name], version))
  return index < 0 ? null : { kind: 'word', index }
}
