import type { Row } from '../api/session.ts'
import { isTrue } from '../api/flag.ts'
import { MENUS, STATIC } from '../objects/menus.ts'

/** A menu that is listened to. */
export interface Heeded {
  readonly path: string
  /** The properties that are compared: none that changes by itself, as counters do. */
  readonly properties: readonly string[]
  /**
   * What the router is to leave out. The manual promises queries for print alone, and routers were seen to take them here
   * too; a row that went has no property but its number (forum.mikrotik.com, 126522), so each query lets such a row pass.
   */
  readonly queries: readonly string[]
}

const VOLATILE = ['current-endpoint-address', 'current-endpoint-port', 'last-handshake', 'rx', 'tx']

/**
 * Menus whose rows are ours, or judge what ours do. Menus below `/interface` were seen to keep silent about rows that
 * went, and `/interface` tells of them (the same thread).
 */
export const HEEDED: readonly Heeded[] = [
  { path: '/interface', properties: ['name', 'type', 'disabled'], queries: ['?type=wg', '?-type', '?#|'] },
  ...Object.values(MENUS).map(({ path, properties }) => ({
    path,
    properties: properties.filter((name) => !VOLATILE.includes(name)),
    queries: path === MENUS.interface.path ? [] : STATIC,
  })),
]

/** Rows that went without a word, and are known for nothing. */
const MOST_STALE = 1_000

/** What of all that a router tells is worth a look. */
export interface News {
  /** Takes the rows of a menu as a look read them: to hear them again is no news. */
  readonly seen: (path: string, rows: readonly Row[]) => void
  /** Whether a row that was told says something new of what somebody configured. */
  readonly isNews: (menu: Heeded, row: Row) => boolean
}

export function makeNews(): News {
  /** By menu, rows by their number, as text; no rows that the router makes by itself. */
  const known = new Map<string, Map<string, string>>()

  return {
    seen: (path, rows) => {
      const menu = HEEDED.find((one) => one.path === path)
      if (menu === undefined) return
      const own = rows.filter((row) => !isDynamic(row))
      const before = known.get(path)
      // A look may end after a row was told that was not there yet when it began: that one stays known.
      const after = before === undefined || before.size > own.length + MOST_STALE ? new Map<string, string>() : before
      for (const row of own) after.set(row['.id'] ?? '', textOf(menu, row))
      known.set(path, after)
    },
    isNews: (menu, row) => {
      const id = row['.id'] ?? ''
      const rows = known.get(menu.path)
      if (isDead(row)) return rows === undefined || rows.delete(id)
      if (isDynamic(row)) return false
      const text = textOf(menu, row)
      if (rows?.get(id) === text) return false
      rows?.set(id, text)
      return true
    },
  }
}

/** `.dead=yes` in the manual, `true` of routers that were asked; or a row of which nothing is left but its number. */
function isDead(row: Row): boolean {
  return isTrue(row['.dead']) || Object.keys(row).every((name) => name === '.id')
}

/** Leases, clients of PPP, routes of routing protocols and counters come and go by themselves. */
function isDynamic(row: Row): boolean {
  return isTrue(row['dynamic'])
}

function textOf({ properties }: Heeded, row: Row): string {
  return JSON.stringify(properties.map((name) => row[name] ?? null))
}
