import { type Item, idText, type Tables } from './tables.ts'

/**
 * Values that name another row. RouterOS follows a new name, shows the number of what was deleted (`in-interface=*7`,
 * `!*7`) and takes neither that nor a name that nothing has.
 */
const NAMED_BY: Readonly<Record<string, readonly string[]>> = {
  '/interface/wireguard': ['interface', 'in-interface', 'out-interface', 'gateway'],
  '/interface/list': ['list', 'in-interface-list', 'out-interface-list'],
}

const REFERRING = [
  '/interface/wireguard/peers',
  '/interface/list/member',
  '/ip/address',
  '/ip/route',
  '/ip/firewall/filter',
  '/ip/firewall/nat',
  '/ip/firewall/mangle',
  '/ip/firewall/raw',
]

/** @param path the menu of what got another name. */
export function renameEverywhere(tables: Tables, path: string, from: string, to: string): void {
  for (const menu of REFERRING)
    for (const { values } of tables.rows(menu))
      for (const property of NAMED_BY[path] ?? []) {
        const value = values.get(property)
        if (value === from || value === `!${from}`)
          values.set(
            property,
            value.replace(from, () => to),
          )
      }
}

/** Rows that named what is gone name it by its id from then on, and are invalid. */
export function orphan(tables: Tables, path: string, gone: Item): void {
  renameEverywhere(tables, path, gone.values.get('name') ?? '', idText(gone))
}

/** Names something that is gone. */
export function isInvalid({ values }: Item): boolean {
  return Object.values(NAMED_BY)
    .flat()
    .some((property) => /^!?\*/.test(values.get(property) ?? ''))
}

/** The lists that every router has (manual, "Interface List"). */
const BUILT_IN = ['all', 'none', 'dynamic', 'static']

export function isInterfaceList(tables: Tables, name: string): boolean {
  return BUILT_IN.includes(name) || tables.rows('/interface/list').some(({ values }) => values.get('name') === name)
}
