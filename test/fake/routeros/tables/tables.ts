import { MENUS, type MenuPlan } from './menus.ts'

/** What a router keeps: rows of settings by menu, in their order. Values are latin1 text, one character per byte. */
export interface Item {
  readonly id: number
  readonly values: Map<string, string>
  /** Made by the router itself: shown, never changed by anybody. */
  readonly isDynamic: boolean
}

export interface Tables {
  readonly rows: (path: string) => readonly Item[]
  readonly add: (path: string, values: ReadonlyMap<string, string>, how?: AddOptions) => Item
  readonly remove: (path: string, item: Item) => void
  /** @param before null: to the end. */
  readonly move: (path: string, item: Item, before: Item | null) => void
  /** Everything as it is now, for going back to it: ids and keys included. */
  readonly snapshot: () => Snapshot
  readonly restore: (snapshot: Snapshot) => void
  /** The rows of each menu swap their ids. */
  readonly renumber: () => void
}

interface AddOptions {
  readonly before?: Item | null
  readonly isDynamic?: boolean
}

export type Snapshot = ReadonlyMap<
  string,
  readonly { readonly id: number; readonly values: readonly [string, string][]; readonly isDynamic: boolean }[]
>

export function makeTables(): Tables {
  let lastId = 0
  const all = new Map<string, Item[]>(MENUS.map(({ path }) => [path, []]))
  const of = (path: string): Item[] => {
    const rows = all.get(path)
    if (rows === undefined) throw new TypeError(`no menu ${path}`)
    return rows
  }
  const place = (rows: Item[], item: Item, before: Item | null): void => {
    const at = before === null ? -1 : rows.indexOf(before)
    rows.splice(at < 0 ? rows.length : at, 0, item)
  }
  return {
    rows: of,
    add: (path, values, { before = null, isDynamic = false } = {}) => {
      const item: Item = { id: (lastId += 1), values: new Map(values), isDynamic }
      place(of(path), item, before)
      return item
    },
    remove: (path, item) => {
      const rows = of(path)
      const at = rows.indexOf(item)
      if (at >= 0) rows.splice(at, 1)
    },
    move: (path, item, before) => {
      const rows = of(path)
      rows.splice(rows.indexOf(item), 1)
      place(rows, item, before)
    },
    snapshot: () =>
      new Map(
        [...all].map(([path, rows]) => [
          path,
          rows.map(({ id, values, isDynamic }) => ({ id, values: [...values], isDynamic })),
        ]),
      ),
    restore: (snapshot) => {
      for (const [path, rows] of snapshot) {
        lastId = Math.max(lastId, ...rows.map(({ id }) => id))
        all.set(
          path,
          rows.map(({ id, values, isDynamic }) => ({ id, values: new Map(values), isDynamic })),
        )
      }
    },
    renumber: () => {
      for (const [path, rows] of all)
        all.set(
          path,
          rows.map((row, at) => ({ ...row, id: rows.at(-1 - at)?.id ?? row.id })),
        )
    },
  }
}

/** `*` and upper-case hex. */
export function idText({ id }: Pick<Item, 'id'>): string {
  return `*${id.toString(16).toUpperCase()}`
}

export function menuOf(path: string): MenuPlan | undefined {
  return MENUS.find((menu) => menu.path === path)
}
