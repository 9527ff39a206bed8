import { MENUS } from '../tables/menus.ts'
import { isKnown, type ShownRow } from '../tables/shown.ts'
import type { Version } from '../version.ts'

/** What `/console/inspect request=child` says of a place in the console's tree: by it a client may find out what there is. */
export function childrenOf(path: string, version: Version): readonly ShownRow[] {
  const parts = path.split(',').filter((part) => part !== '')
  const at = parts.length === 0 ? '' : `/${parts.join('/')}`
  const [verb] = parts.slice(-1)
  const parent = MENUS.find((menu) => `${menu.path}/${verb}` === at)
  if (parent !== undefined && (verb === 'add' || verb === 'set'))
    return Object.keys(parent.properties)
      .filter((name) => isKnown(parent.properties[name], version))
      .map((name) => child(name, 'arg'))
  const below = MENUS.filter((menu) => menu.path.startsWith(`${at}/`)).map(
    (menu) => menu.path.slice(at.length + 1).split('/')[0] ?? '',
  )
  const own = MENUS.find((menu) => menu.path === at)
  const verbs = own === undefined ? [] : ['print', 'find', 'set', ...(own.isFixed ? [] : ['add', 'remove'])]
  return [
    ...[...new Set(below)].map((name) => child(name, 'dir')),
    ...[...verbs, ...(own?.isOrdered === true ? ['move'] : [])].map((name) => child(name, 'cmd')),
  ]
}

function child(name: string, nodeType: 'dir' | 'cmd' | 'arg'): ShownRow {
  return { type: 'child', name, 'node-type': nodeType }
}
