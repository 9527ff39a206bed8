import { isBlackhole } from './ours.ts'
import { markOf, parseMark } from './mark.ts'
import { type Menu, MENUS, RULE_MENUS } from './menus.ts'
import { type KeptRow, nameIn, type Snapshot } from './snapshot.ts'

/**
 * What a router does by itself to make what is ours as it was, in its own scripting language. Finds by mark, so that it is
 * right whatever was changed since it was written; one command that fails keeps none of the others from being tried.
 */
export function undoScript(interfaceName: string, snapshot: Snapshot): string {
  const names = new Set([interfaceName])
  for (const rows of Object.values(snapshot))
    for (const { attributes } of rows) {
      const mark = parseMark(attributes['comment'])
      if (mark !== null) names.add(mark.interface)
    }
  const marks = [...names]
  return [
    ...marks.flatMap((name) => [
      removeOthers('peer', `comment=${quote(markOf(name))}`, 'public-key', snapshot),
      removeOthers('address', `comment=${quote(markOf(name))}`, 'address', snapshot),
      removeOthers('route', `comment~${quote(`^${markOf(name)} `)}`, 'comment', snapshot),
    ]),
    ...snapshot.interface.map(({ attributes }) => setFound('interface', attributes)),
    ...RULE_MENUS.flatMap((menu) => [
      ...marks.map((name) => `${MENUS[menu].path}/remove [find where comment~${quote(`^${markOf(name)} `)}]`),
      ...snapshot[menu].map((kept) => addRule(menu, kept)),
    ]),
    ...(['route', 'address', 'peer'] as const).flatMap((menu) =>
      snapshot[menu].flatMap(({ attributes }) => [addMissing(menu, attributes), setFound(menu, attributes)]),
    ),
    ...marks.map((name) => removeOthers('interface', `comment=${quote(markOf(name))}`, 'name', snapshot)),
  ]
    .map((command) => `:do {${command}} on-error={}`)
    .join('\n')
}

/** What is ours and was not there. */
function removeOthers(menu: Menu, which: string, property: string, snapshot: Snapshot): string {
  const kept = snapshot[menu].map(({ attributes }) => ` and ${property}!=${quote(attributes[property] ?? '')}`)
  return `${MENUS[menu].path}/remove [find where ${which}${kept.join('')}]`
}

function addMissing(menu: 'route' | 'address' | 'peer', attributes: KeptRow['attributes']): string {
  const { path } = MENUS[menu]
  return `:if ([:len [${path}/find where ${selector(menu, attributes)}]] = 0) do={${path}/add ${words(attributes)}}`
}

function setFound(menu: 'interface' | 'route' | 'address' | 'peer', attributes: KeptRow['attributes']): string {
  const { blackhole: _, ...rest } = attributes
  return `${MENUS[menu].path}/set [find where ${selector(menu, attributes)}] ${words(rest)}`
}

function addRule(menu: (typeof RULE_MENUS)[number], { attributes, before }: KeptRow): string {
  return `${MENUS[menu].path}/add ${words(attributes)}${before === null ? '' : ` place-before=${before}`}`
}

function selector(menu: 'interface' | 'route' | 'address' | 'peer', attributes: KeptRow['attributes']): string {
  const property = { interface: 'name', route: 'comment', address: 'address', peer: 'public-key' }[menu]
  return `${property}=${quote(nameIn(menu, attributes))}`
}

function words(attributes: KeptRow['attributes']): string {
  const isFlagged = isBlackhole(attributes)
  const entries = Object.entries(attributes).filter(
    ([name]) => name !== 'blackhole' && !(isFlagged && name === 'gateway'),
  )
  return [
    ...entries.map(([name, value]) => `${name}=${name === 'comment' ? quote(value) : spelled(value)}`),
    ...(isFlagged ? ['blackhole'] : []),
  ].join(' ')
}

/** The console's yes and no are words, not strings. */
function spelled(value: string): string {
  if (value === 'true' || value === 'false') return value === 'true' ? 'yes' : 'no'
  return quote(value)
}

/** A string of RouterOS's scripting language (manual, Scripting, "Constant escape sequences"). */
export function quote(text: string): string {
  return `"${text.replaceAll(/["\\$?]/g, (character) => `\\${character}`)}"`
}
