import * as v from 'valibot'
import { type StoreDocument, StoreDocumentSchema } from './store-document.ts'

/** What a store in a newer form says to a hub that does not read it, and what the hub goes on with. */
export interface TakenBack {
  readonly document: StoreDocument
  /** Names of what was removed since, and stays removed. */
  readonly removed: readonly string[]
  /** Names of what was added since in a form that this hub does not know: it has to be added again. */
  readonly lost: readonly string[]
  /** Names of what the newer store does not have, and is there again, since all of its kind was gone. */
  readonly returned: readonly string[]
}

const { homes, devices, invites, publications } = StoreDocumentSchema.entries

/** A kind of records: what tells one from another, how it is called for people, and what this version knows of it. */
const KINDS = {
  homes: { schema: homes.item, id: by('name'), name: said('the home', 'name') },
  devices: { schema: devices.item, id: by('name'), name: said('the device', 'name') },
  invites: { schema: invites.item, id: by('secretHash'), name: said('an invitation of', 'home') },
  publications: {
    schema: publications.wrapped.item,
    id: by('port', 'protocol'),
    name: said('the published port', 'port', 'protocol'),
  },
} as const

type Kind = keyof typeof KINDS
type Fields = Readonly<Record<string, unknown>>

/**
 * The document that a hub goes on with when a newer one has written the store in a form that this one does not read, and
 * did not stay. What the newer one removed stays removed: a phone that was revoked must not come back; unless all of a kind
 * is gone, which is more likely a fault of the version that is given up. What it changed counts where this version knows
 * the field. What it added counts only with fields that this version knows: another one may narrow what it may do.
 * @param newer as parsed JSON, of whatever form. @param before what this version had written last.
 */
export function takenBack(newer: unknown, before: StoreDocument): TakenBack {
  const parts = (Object.keys(KINDS) as Kind[]).map(
    (kind) => [kind, ofKind(kind, fieldsOf(newer)[kind], before)] as const,
  )
  const all = (what: 'removed' | 'lost' | 'returned') => parts.flatMap(([, part]) => part[what])
  const whole = v.safeParse(StoreDocumentSchema, {
    ...before,
    ...Object.fromEntries(parts.map(([kind, { records }]) => [kind, records])),
  })
  if (whole.success)
    return { document: whole.output, removed: all('removed'), lost: all('lost'), returned: all('returned') }
  // Two of a name or an address: what was added is left out, and what was removed stays so.
  const kept = Object.fromEntries(parts.map(([kind, { remaining }]) => [kind, remaining]))
  const added = parts.flatMap(([, part]) => part.added)
  return {
    document: { ...before, ...kept },
    removed: all('removed'),
    lost: [...all('lost'), ...added],
    returned: all('returned'),
  }
}

interface Part {
  readonly records: readonly Fields[]
  /** Those of before that were not removed, as they were. */
  readonly remaining: readonly Fields[]
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly lost: readonly string[]
  readonly returned: readonly string[]
}

function ofKind(kind: Kind, newer: unknown, before: StoreDocument): Part {
  const { schema, id, name } = KINDS[kind]
  const old = before[kind] as readonly Fields[]
  const unchanged = { records: old, remaining: old, added: [], removed: [], lost: [], returned: [] }
  if (!Array.isArray(newer)) return unchanged
  const recognised = newer.map(fieldsOf).filter((one) => id(one) !== null)
  const present = new Map(recognised.map((one) => [id(one), one]))
  const added = [...present.values()].filter((one) => !old.some((other) => id(other) === id(one)))
  const taken = added.filter((one) => isKnown(schema, one))
  const lost = added.filter((one) => !isKnown(schema, one)).map(name)
  const isGone = (one: Fields): boolean => !present.has(id(one))
  // Invitations end by themselves all the time.
  const isWiped = kind !== 'invites' && old.length > 0 && present.size === 0
  const remaining = isWiped ? old : old.filter((one) => !isGone(one))
  return {
    records: [...remaining.map((one) => changed(schema, one, present.get(id(one)) ?? {})), ...taken],
    remaining,
    added: taken.map(name),
    removed: isWiped || kind === 'invites' ? [] : old.filter(isGone).map(name),
    lost,
    returned: isWiped ? old.map(name) : [],
  }
}

type RecordSchema = (typeof KINDS)[Kind]['schema']

/** The record with what this version knows of the newer one; as it was where that makes none. A field that is gone stays. */
function changed(schema: RecordSchema, old: Fields, newer: Fields): Fields {
  const known = Object.entries(newer).filter(([key]) => key in schema.entries)
  const next = { ...old, ...Object.fromEntries(known) }
  return v.is(schema, next) ? next : old
}

function isKnown(schema: RecordSchema, one: Fields): boolean {
  return Object.keys(one).every((key) => key in schema.entries) && v.is(schema, one)
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

/** null: no record of this kind. */
function by(...keys: readonly string[]): (one: Fields) => string | null {
  return (one) => (one[keys[0] ?? ''] === undefined ? null : textOf(one, keys))
}

function said(what: string, ...keys: readonly string[]): (one: Fields) => string {
  return (one) => `${what} ${textOf(one, keys)}`
}

function textOf(one: Fields, keys: readonly string[]): string {
  return keys.map((key) => String(one[key])).join('/')
}
