import * as v from 'valibot'
import { NameSchema } from '../../protocol/names.ts'
import { rangeText } from '../../protocol/publications.ts'
import type { Device, Home, StoreDocument } from '../core/store-document.ts'
import { rightsOf } from '../rights/rights.ts'

/** What homes and the owner did, one line each. What stands in the store changed; `refused`, `asked` and `shared` changed nothing. */
const ACTS = [
  'invited',
  'joined',
  'left',
  'key',
  'rotated',
  'shared',
  'lan',
  'exit',
  'rights',
  'revoked',
  'identity',
  'device-added',
  'device-rotated',
  'device-removed',
  'published',
  'withdrawn',
  'asked',
  'refused',
] as const

/** Whose act something was. `hub`: its owner's, or of time. */
const ACTORS = ['home', 'hub'] as const
export type Actor = (typeof ACTORS)[number]

export const AuditEntrySchema = v.object({
  at: v.pipe(v.string(), v.isoTimestamp()),
  home: v.nullable(NameSchema),
  by: v.picklist(ACTORS),
  act: v.picklist(ACTS),
  /** What was done, in words; never a secret. */
  what: v.pipe(v.string(), v.maxLength(400)),
  /** The device, the ports or the request, as commands name it. */
  about: v.optional(v.pipe(v.string(), v.maxLength(64))),
  /** The problem that a refusal was answered with. */
  code: v.optional(v.pipe(v.string(), v.maxLength(40))),
})

export type AuditEntry = Readonly<v.InferOutput<typeof AuditEntrySchema>>

/** An entry whose time is that of its writing. */
export type Noted = Omit<AuditEntry, 'at'>

/**
 * What differs between two states of the store, in words. Found by comparing, so that nothing that changes the store
 * can be forgotten.
 */
export function entriesOf(before: StoreDocument, after: StoreDocument, by: Actor): readonly Noted[] {
  const noted = (home: string | null, act: AuditEntry['act'], what: string, about?: string): Noted => ({
    home,
    by,
    act,
    what: what.slice(0, 400),
    ...(about === undefined ? {} : { about }),
  })
  const was = new Map(before.homes.map((home) => [home.name, home]))
  const is = new Map(after.homes.map((home) => [home.name, home]))
  const had = new Map(before.devices.map((device) => [device.name, device]))
  const has = new Map(after.devices.map((device) => [device.name, device]))
  const ports = (document: StoreDocument) =>
    new Map(document.publications.map((one) => [rangeText(one), { ...one, text: publicationText(one) }]))
  const [led, leads] = [ports(before), ports(after)]
  const fresh = after.invites.filter((one) => one.use === null && !before.invites.includes(one))
  const picked = fresh.filter(({ pickup }) => pickup?.pickedAt !== undefined)
  const invited = fresh.filter((one) => !picked.includes(one))
  return [
    ...picked.map(({ home }) => noted(home, 'invited', 'its token was picked up with the code of cloud-init')),
    ...invited.map(({ home, lan, may }) =>
      noted(home, 'invited', `may ${rightsOf({ may }).join(', ')}; LAN ${lan.join(', ') || 'its own'}`),
    ),
    ...[...is.values()].flatMap((home) => homeEntries(was.get(home.name), home, by, noted)),
    ...[...was.keys()].filter((name) => !is.has(name)).map((name) => noted(name, 'left', 'and is no home any more')),
    ...[...has.values()]
      .filter((device) => had.get(device.name)?.publicKey !== device.publicKey)
      .map((device) => noted(device.home, keysAct(had.get(device.name), device), deviceText(device), device.name)),
    ...[...had.values()]
      .filter(({ name }) => !has.has(name))
      .map((device) => noted(device.home, 'device-removed', deviceText(device), device.name)),
    ...[...leads]
      .filter(([range, one]) => led.get(range)?.text !== one.text)
      .map(([range, one]) => noted(one.home, 'published', one.text, range)),
    ...[...led]
      .filter(([range]) => !leads.has(range))
      .map(([range, one]) => noted(one.home, 'withdrawn', one.text, range)),
  ]
}

function homeEntries(
  before: Home | undefined,
  after: Home,
  by: Actor,
  noted: (home: string, act: AuditEntry['act'], what: string) => Noted,
): readonly Noted[] {
  const { name, lan } = after
  const isSame = before?.secretHash === after.secretHash || before?.nextSecretHash === after.secretHash
  // Only its owner takes a home's secret from it; whoever joins again does so by itself.
  if (before !== undefined && !isSame && by === 'hub')
    return [noted(name, 'revoked', 'its key and secret, until it joins again')]
  if (before === undefined || !isSame) return [noted(name, 'joined', `with ${lan.join(', ') || 'no LAN'}`)]
  const rights = (home: Home): string => JSON.stringify([rightsOf(home), home.quota ?? {}, home.granted ?? home.lan])
  return [
    ...keyEntries(before, after, noted),
    ...secretEntries(before, after, noted),
    ...(before.lan.join() === lan.join()
      ? []
      : [noted(name, 'lan', `${before.lan.join(', ') || 'none'} is now ${lan.join(', ') || 'none'}`)]),
    ...(before.exit === after.exit
      ? []
      : [noted(name, 'exit', after.exit === true ? 'lets devices to the internet' : 'lets no device to the internet')]),
    ...(rights(before) === rights(after)
      ? []
      : [noted(name, 'rights', `may ${rightsOf(after).join(', ') || 'nothing'}; ${quotaText(after)}`)]),
  ]
}

/** Rotations closer together than this are no schedule that anybody would choose. */
const LEAST_BETWEEN_ROTATIONS_MS = 20 * 3_600_000

/** What became of a home's key: `rotated` is everyday, `key` is not. */
function keyEntries(
  before: Home,
  after: Home,
  noted: (home: string, act: AuditEntry['act'], what: string) => Noted,
): readonly Noted[] {
  if (before.publicKey === after.publicKey) return []
  const { name, rotatedAt } = after
  if (rotatedAt === undefined || rotatedAt === before.rotatedAt)
    return [noted(name, 'key', 'has another WireGuard key')]
  if (before.rotatedAt === undefined)
    return [noted(name, 'key', 'rotated its WireGuard key for the first time since it joined')]
  const since = Date.parse(rotatedAt) - Date.parse(before.rotatedAt)
  if (since >= LEAST_BETWEEN_ROTATIONS_MS) return [noted(name, 'rotated', 'its WireGuard key')]
  return [noted(name, 'key', `rotated its WireGuard key, ${Math.round(since / 60_000)} min after the last time`)]
}

/** A secret that follows a rotation of the key is everyday; one alone is not. */
const LATEST_AFTER_KEY_MS = 3_600_000

function secretEntries(
  before: Home,
  { name, secretHash, rotatedAt = before.joinedAt, secretAt = before.joinedAt }: Home,
  noted: (home: string, act: AuditEntry['act'], what: string) => Noted,
): readonly Noted[] {
  if (before.secretHash === secretHash) return []
  const isEveryday = Date.parse(secretAt) - Date.parse(rotatedAt) < LATEST_AFTER_KEY_MS
  return [
    noted(name, isEveryday ? 'rotated' : 'key', isEveryday ? 'its secret' : 'has another secret, and the old key'),
  ]
}

function quotaText({ quota = {}, granted = [] }: Home): string {
  const counts = Object.entries(quota).map(([counted, most]) => `${counted} ${most}`)
  return [`announces ${granted.join(', ') || 'nothing'}`, ...counts].join(', ')
}

/** A device keeps its place with other keys; one that took the name of another has one of its own. */
function keysAct(before: Device | undefined, { address, home, addedAt }: Device): AuditEntry['act'] {
  const isSame = before?.address === address && before.home === home && before.addedAt === addedAt
  return isSame ? 'device-rotated' : 'device-added'
}

function deviceText({ name, address, full, exit, to, expiresAt }: Device): string {
  const ways = [full === true ? 'everything by this hub' : '', exit === undefined ? '' : `everything by ${exit}`]
  const only = to?.map((one) => `${one.address}:${rangeText(one)}`).join(' and ')
  const until = expiresAt === undefined ? '' : `until ${expiresAt}`
  return [`${name} (${address})`, ...ways, only === undefined ? '' : `only ${only}`, until]
    .filter((part) => part !== '')
    .join(', ')
}

function publicationText(one: StoreDocument['publications'][number]): string {
  const sends = one.outgoing === true ? ', sends by this hub' : ''
  return `${rangeText(one)} to ${one.address}:${one.targetPort}, visitors ${one.source === 'keep' ? 'seen' : 'hidden'}${sends}`
}
