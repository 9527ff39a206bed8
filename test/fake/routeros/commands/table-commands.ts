import type { MenuPlan } from '../tables/menus.ts'
import { freshInterface, type Model, PEERS, WIREGUARD } from '../model.ts'
import { fitsQueries } from '../api/query.ts'
import { orphan, renameEverywhere } from '../tables/references.ts'
import { Refused } from '../refused.ts'
import { policyText, require, type Rights } from '../api/rights.ts'
import { isKnown, type ShownRow, shownRows } from '../tables/shown.ts'
import { type Item, idText } from '../tables/tables.ts'
import { canonical, secondsIn } from '../tables/values.ts'
import { isAtLeast, type Version } from '../version.ts'

/** One command as it came: over the API, from a script or the console. */
export interface Command {
  readonly path: string
  readonly verb: string
  readonly attributes: ReadonlyMap<string, string>
  readonly queries: readonly string[]
}

export interface Answer {
  readonly rows: readonly ShownRow[]
  readonly ret: string | null
}

export const DONE: Answer = { rows: [], ret: null }

/** What every table of settings can do. @throws {Refused} */
export async function tableCommand(model: Model, menu: MenuPlan, command: Command, rights: Rights): Promise<Answer> {
  const { verb, attributes } = command
  switch (verb) {
    case 'print':
    case 'getall':
      require(rights, 'read')
      return await print(model, menu, command, rights)
    case 'find':
      require(rights, 'read')
      return { rows: [], ret: (await found(model, menu, command)).map(idText).join(';') }
    case 'add':
      requireWrite(menu, rights)
      if (menu.isFixed) throw new Refused('no such command')
      return await add(model, menu, attributes)
    case 'set':
    case 'comment':
      if (verb === 'comment') refuseWithout('comment', menu)
      requireWrite(menu, rights)
      return await set(model, menu, attributes)
    case 'enable':
    case 'disable':
      refuseWithout('disabled', menu)
      requireWrite(menu, rights)
      return await set(model, menu, new Map([...attributes, ['disabled', verb === 'disable' ? 'yes' : 'no']]))
    case 'remove':
      requireWrite(menu, rights)
      if (menu.isFixed) throw new Refused('no such command')
      return await remove(model, menu, attributes)
    case 'move':
      requireWrite(menu, rights)
      if (!menu.isOrdered) throw new Refused('no such command')
      return await move(model, menu, attributes)
    default:
      throw new Refused('no such command')
  }
}

function refuseWithout(property: string, { properties }: MenuPlan): void {
  if (properties[property] === undefined) throw new Refused('no such command')
}

function requireWrite({ policy }: MenuPlan, rights: Rights): void {
  require(rights, 'write')
  require(rights, policy)
}

async function print(model: Model, menu: MenuPlan, command: Command, rights: Rights): Promise<Answer> {
  const { attributes, queries } = command
  checkPrint(attributes, model.version)
  const all = (await shownRows(model, menu, rights, attributes.has('show-sensitive'))).map(({ row }) => row)
  return project(all, attributes, queries)
}

const PRINT_WORDS = ['.proplist', 'count-only', 'detail', 'stats', 'show-sensitive', 'without-paging', '.id', 'terse']

/** @throws {Refused} `unknown parameter X`. */
export function checkPrint(attributes: Command['attributes'], version: Version): void {
  for (const name of attributes.keys())
    if (!PRINT_WORDS.includes(name) || (name === 'show-sensitive' && !isAtLeast(version, '7.21')))
      throw new Refused(`unknown parameter ${name}`)
}

/** Queries, `.proplist` and `count-only` of any print. */
export function project(
  all: readonly ShownRow[],
  attributes: Command['attributes'],
  queries: readonly string[],
): Answer {
  const id = attributes.get('.id')
  const rows = all.filter(
    (row) => fitsQueries(queries, row) && (id === undefined || id.split(',').includes(row['.id'] ?? '')),
  )
  if (attributes.has('count-only')) return { rows: [], ret: String(rows.length) }
  const wanted = attributes.get('.proplist')?.split(',')
  if (wanted === undefined) return { rows, ret: null }
  return {
    rows: rows.map((row) =>
      Object.fromEntries(wanted.flatMap((name) => (row[name] === undefined ? [] : [[name, row[name]]]))),
    ),
    ret: null,
  }
}

async function found(model: Model, menu: MenuPlan, { queries }: Command): Promise<readonly Item[]> {
  const all = await shownRows(model, menu, { user: '', policies: new Set(['sensitive']) }, true)
  return all.filter(({ row }) => fitsQueries(queries, row)).map(({ item }) => item)
}

/** Those that `.id` or `numbers` names. @throws {Refused} `no such item`. */
function named(model: Model, { path, nameProperty }: MenuPlan, attributes: Command['attributes']): readonly Item[] {
  const which = attributes.get('.id') ?? attributes.get('numbers')
  if (which === undefined) throw new Refused('missing value(s) of argument(s) .id')
  return which
    .split(/[,;]/)
    .filter((one) => one !== '')
    .map((one) => {
      if (/^\*8[0-9A-F]{7}$/.test(one)) throw new Refused('failure: can not change dynamic')
      const item = model.tables
        .rows(path)
        .find((row) => idText(row) === one || (nameProperty !== null && row.values.get(nameProperty) === one))
      if (item === undefined) throw new Refused('no such item')
      return item
    })
}

async function add(model: Model, menu: MenuPlan, attributes: Command['attributes']): Promise<Answer> {
  const values = checked(model, menu, attributes, ['place-before', 'copy-from'])
  const missing = menu.required.filter((name) => !values.has(name))
  if (missing.length > 0) throw new Refused(`missing value(s) of argument(s) ${missing.join(' ')}`)
  complete(model, menu.path, values)
  refuseDuplicates(model, menu.path, values, null)
  const before = attributes.get('place-before')
  const item = model.tables.add(menu.path, values, {
    before: before === undefined ? null : placeBefore(model, menu, before),
  })
  const lastsSeconds = menu.path === '/ip/firewall/address-list' ? secondsIn(values.get('timeout') ?? '') : null
  // Such an entry is in the router's memory alone.
  if (lastsSeconds !== null) setTimeout(() => model.tables.remove(menu.path, item), lastsSeconds * 1_000).unref()
  await model.settle()
  return { rows: [], ret: idText(item) }
}

function placeBefore(model: Model, menu: MenuPlan, text: string): Item {
  const [item] = named(model, menu, new Map([['.id', text]]))
  if (item === undefined) throw new Refused('no such item')
  // The router's own rules stay where they are.
  if (item.isDynamic) throw new Refused('failure: can not place before dynamic item')
  return item
}

async function set(model: Model, menu: MenuPlan, attributes: Command['attributes']): Promise<Answer> {
  const items = named(model, menu, attributes)
  const values = checked(model, menu, attributes, ['.id', 'numbers'])
  for (const item of items) {
    if (item.isDynamic) throw new Refused('failure: can not change dynamic')
    refuseDuplicates(model, menu.path, new Map([...item.values, ...values]), item)
    const name = values.get('name')
    if (name !== undefined) renameEverywhere(model.tables, menu.path, item.values.get('name') ?? '', name)
    if (menu.path === '/user/group' && values.has('policy'))
      values.set('policy', policyText(attributes.get('policy') ?? '', item.values.get('policy')))
    for (const [property, value] of values) item.values.set(property, value)
    if (menu.path === PEERS && values.has('endpoint-address')) model.endpoints.forget(item)
    // Set to nothing: as if it had never been set.
    for (const [property, value] of values) if (value === '' && isUnset(menu, property)) item.values.delete(property)
  }
  await model.settle()
  return DONE
}

function isUnset({ properties }: MenuPlan, name: string): boolean {
  return properties[name]?.initial === undefined && properties[name]?.kind !== 'bare'
}

async function remove(model: Model, menu: MenuPlan, attributes: Command['attributes']): Promise<Answer> {
  for (const item of named(model, menu, attributes)) {
    if (item.isDynamic) throw new Refused('failure: can not remove dynamic')
    model.tables.remove(menu.path, item)
    orphan(model.tables, menu.path, item)
  }
  await model.settle()
  return DONE
}

async function move(model: Model, menu: MenuPlan, attributes: Command['attributes']): Promise<Answer> {
  const destination = attributes.get('destination')
  const before = destination === undefined ? null : placeBefore(model, menu, destination)
  for (const item of named(model, menu, attributes)) model.tables.move(menu.path, item, before)
  await model.settle()
  return DONE
}

/** @throws {Refused} `unknown parameter X`, and what a value is refused with. */
function checked(
  model: Model,
  menu: MenuPlan,
  attributes: Command['attributes'],
  others: readonly string[],
): Map<string, string> {
  const values = new Map<string, string>()
  for (const [name, value] of attributes) {
    if (others.includes(name)) continue
    const property = menu.properties[name]
    if (property === undefined || !isKnown(property, model.version)) throw new Refused(`unknown parameter ${name}`)
    const isCleared = value === '' && property.kind !== 'bare' && property.kind !== 'interface'
    values.set(name, isCleared ? '' : canonical(property.kind, name, value, model))
  }
  return values
}

/** What the router itself adds to a new row. */
function complete(model: Model, path: string, values: Map<string, string>): void {
  if (path === WIREGUARD) {
    const fresh = freshInterface(model.tables)
    if (!values.has('name')) values.set('name', fresh.name)
    if (!values.has('private-key')) values.set('private-key', fresh.privateKey)
    if ((values.get('listen-port') ?? '0') === '0') values.set('listen-port', fresh.port)
  }
  if (path === PEERS && isAtLeast(model.version, '7.15') && !values.has('name')) {
    const taken = new Set(model.tables.rows(PEERS).map((peer) => peer.values.get('name')))
    let number = 1
    while (taken.has(`peer${number}`)) number += 1
    values.set('name', `peer${number}`)
  }
  if (path === '/ip/address' && !values.has('network'))
    values.set('network', networkAddress(values.get('address') ?? ''))
  if (path === '/user/group') values.set('policy', policyText(values.get('policy') ?? ''))
}

function networkAddress(address: string): string {
  const [literal = '', length = '32'] = address.split('/')
  const number = literal.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const kept = number - (number % 2 ** (32 - Number(length)))
  return [24, 16, 8, 0].map((shift) => Math.floor(kept / 2 ** shift) % 256).join('.')
}

function refuseDuplicates(
  { tables }: Model,
  path: string,
  values: ReadonlyMap<string, string>,
  self: Item | null,
): void {
  const isTwice = (...names: readonly string[]): boolean =>
    tables.rows(path).some((item) => item !== self && names.every((name) => item.values.get(name) === values.get(name)))
  if (path === WIREGUARD && isTwice('name')) throw new Refused('failure: already have interface with such name')
  if (path === PEERS && isTwice('public-key')) throw new Refused('failure: entry already exists')
  if (path === '/ip/address' && isTwice('address', 'interface')) throw new Refused('failure: already have such address')
  if (path === '/user' && isTwice('name')) throw new Refused('failure: user with the same name already exists')
  const hasName = ['/user/group', '/system/scheduler', '/system/script', '/certificate', '/interface/list'].includes(
    path,
  )
  if (hasName && isTwice('name')) throw new Refused('failure: already have such entry')
}
