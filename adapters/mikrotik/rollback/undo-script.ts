import { isBlackhole } from '../objects/ours.ts'
import { markOf } from '../objects/mark.ts'
import { MENUS, type OtherMenu, RULE_MENUS } from '../objects/menus.ts'
import { isNumber, namedIn } from './names-now.ts'
import { type KeptRow, KEYS, type Snapshot } from './snapshot.ts'

/**
 * The script by which a router restores what is ours by itself, in its own scripting language. Finds objects by mark,
 * so that it is right whatever was changed since; one command that fails keeps none of the others from being tried.
 */
export function undoScript(marks: readonly string[], snapshot: Snapshot): string {
  return [
    ...marks.flatMap((name) => [
      removeOthers('peer', `comment=${quote(markOf(name))}`, snapshot),
      removeOthers('address', `comment=${quote(markOf(name))}`, snapshot),
      removeOthers('route', `comment~${quote(`^${markOf(name)} `)}`, snapshot),
    ]),
    ...snapshot.interface.map((kept) => setFound('interface', kept)),
    ...RULE_MENUS.flatMap((menu) => [
      ...marks.map((name) => `${MENUS[menu].path}/remove [find where comment~${quote(`^${markOf(name)} `)}]`),
      ...snapshot[menu].flatMap((kept) => whileNamed(kept, snapshot, [addRule(menu, kept)])),
    ]),
    ...(['route', 'address', 'peer'] as const).flatMap((menu) =>
      snapshot[menu].flatMap((kept) => whileNamed(kept, snapshot, [addMissing(menu, kept), setFound(menu, kept)])),
    ),
    ...marks.map((name) => removeOthers('interface', `comment=${quote(markOf(name))}`, snapshot)),
  ]
    .map((command) => `:do {${command}} on-error={}`)
    .join('\n')
}

/** Removes objects of ours that were not there before. */
function removeOthers(menu: OtherMenu, which: string, snapshot: Snapshot): string {
  const kept = snapshot[menu].map(({ key }) => ` and ${KEYS[menu]}!=${quote(key)}`)
  return `${MENUS[menu].path}/remove [find where ${which}${kept.join('')}]`
}

/** Guards commands by the names in them: one may be somebody else's by then, and no router takes a number. */
function whileNamed({ attributes }: KeptRow, snapshot: Snapshot, commands: readonly string[]): readonly string[] {
  const names = namedIn(attributes).map(({ name }) => name)
  if (names.some(isNumber)) return []
  const own = snapshot.interface.find((kept) => names.includes(kept.attributes['name'] ?? ''))
  if (own === undefined) return commands
  const which = `public-key=${quote(own.key)} and name=${quote(own.attributes['name'] ?? '')}`
  return commands.map((command) => `:if ([:len [${MENUS.interface.path}/find where ${which}]] != 0) do={${command}}`)
}

function addMissing(menu: OtherMenu, { key, attributes }: KeptRow): string {
  const { path } = MENUS[menu]
  return `:if ([:len [${path}/find where ${KEYS[menu]}=${quote(key)}]] = 0) do={${path}/add ${words(attributes)}}`
}

function setFound(menu: OtherMenu, { key, attributes }: KeptRow): string {
  const { blackhole: _, ...rest } = attributes
  return `${MENUS[menu].path}/set [find where ${KEYS[menu]}=${quote(key)}] ${words(rest)}`
}

function addRule(menu: (typeof RULE_MENUS)[number], { attributes, before }: KeptRow): string {
  return `${MENUS[menu].path}/add ${words(attributes)}${before === null ? '' : ` place-before=${before}`}`
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

/** A value as the console takes it: its yes and no are words, not strings. */
function spelled(value: string): string {
  if (value === 'true' || value === 'false') return value === 'true' ? 'yes' : 'no'
  return quote(value)
}

/** A string of RouterOS's scripting language (manual, Scripting, "Constant escape sequences"). */
export function quote(text: string): string {
  return `"${text.replaceAll(/["\\$?]/g, (character) => `\\${character}`)}"`
}
