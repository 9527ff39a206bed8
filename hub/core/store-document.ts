import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { CidrSchema, Ipv4Schema } from '../../protocol/addresses.ts'
import { FingerprintSchema } from '../../protocol/fingerprint.ts'
import { MtuSchema, PublicKeySchema, ReachedServiceSchema } from '../../protocol/messages.ts'
import { NameSchema } from '../../protocol/names.ts'
import { PickupLockSchema } from '../../protocol/pickup.ts'
import { KeepsSchema, type Publication, PublicationSchema } from '../../protocol/publications.ts'
import { isKeyText, type PresharedKey } from '../../wireguard/keys.ts'
import { QuotaSchema } from '../rights/quotas.ts'
import { RightSchema } from '../rights/rights.ts'
import { SecretHashSchema } from './secret.ts'

/** The version of the file's format, raised when an older hub would misread a newer file. */
export const STORE_SCHEMA = 1

const TimeSchema = v.pipe(v.string(), v.isoTimestamp())

/** What the hub's owner gave a home; absent: the default. */
const GIVEN = {
  may: v.optional(v.array(RightSchema)),
  quota: v.optional(QuotaSchema),
  /** Networks that it may announce, sorted; absent in a home from before there were rights: those that it has. */
  granted: v.optional(v.array(CidrSchema)),
}

const HomeSchema = v.looseObject({
  ...GIVEN,
  name: NameSchema,
  /** Address inside the tunnel. */
  address: Ipv4Schema,
  publicKey: PublicKeySchema,
  secretHash: SecretHashSchema,
  /** The secret by which the home comes next; the one that it has counts until it does. Default: it has told none. */
  nextSecretHash: v.optional(SecretHashSchema),
  /** When the home first came by the secret that it has. Default: it has had it since it joined. */
  secretAt: v.optional(TimeSchema),
  /** Canonical prefixes, sorted. */
  lan: v.array(CidrSchema),
  joinedAt: TimeSchema,
  /** When the home last rotated its key. Default: never since it joined. */
  rotatedAt: v.optional(TimeSchema),
  /** The MTU that the home's line allows, as the home said, bytes; default: the hub's. */
  mtu: v.optional(MtuSchema),
  /** Prefixes in which services of the home see visitors' own addresses, as the home said; sorted. Default: none. */
  keeps: v.optional(KeepsSchema),
  /** Whether keeping can be tried for any other host of the home, as the home said. */
  triesKeep: v.optional(v.literal(true)),
  /** The home lets devices reach the internet through it. */
  exit: v.optional(v.literal(true)),
  /** The home takes another address in the tunnel when the hub tells it, as it said. */
  follows: v.optional(v.literal(true)),
  /** SHA-256 of the newest certificate of the hub that the home would take, as it said. Default: it cannot follow. */
  trusts: v.optional(FingerprintSchema),
  /** Whether the home can lead what its hosts send through the tunnel, as it said. Default: it knows none of it. */
  outgoing: v.optional(v.boolean()),
})

/** What WireGuard may call everything is no prefix that homeward takes elsewhere. */
const CidrOrAllSchema = v.union([v.literal('0.0.0.0/0'), CidrSchema])

const InviteSchema = v.looseObject({
  ...GIVEN,
  home: NameSchema,
  /** Address that is kept free for the home until the invitation expires. */
  address: Ipv4Schema,
  secretHash: SecretHashSchema,
  /** The home's LAN when the join does not name one. */
  lan: v.array(CidrSchema),
  /** Expiry by the hub's clock. */
  expiresAt: TimeSchema,
  /** Lets the token be picked up once, by whoever has the code (protocol/pickup.ts). Default: it cannot be. */
  pickup: v.optional(
    v.looseObject({
      key: PickupLockSchema.entries.key,
      hash: SecretHashSchema,
      expiresAt: TimeSchema,
      /** When it was picked up. Default: not yet. */
      pickedAt: v.optional(TimeSchema),
    }),
  ),
  use: v.nullable(
    v.looseObject({
      publicKey: PublicKeySchema,
      homeSecretHash: SecretHashSchema,
      at: TimeSchema,
      /** The home of that name whose key this join replaced, restored when the join could not prove its tunnel. */
      replaced: v.nullable(HomeSchema),
    }),
  ),
})

const DeviceSchema = v.looseObject({
  name: NameSchema,
  address: Ipv4Schema,
  publicKey: PublicKeySchema,
  /** Plain text, since the hub must set it again after each boot. */
  presharedKey: v.pipe(
    v.string(),
    v.check(isKeyText, 'expected a WireGuard key'),
    v.transform((text) => text as PresharedKey),
  ),
  /** The home that added the device; null when it was the hub. */
  home: v.nullable(NameSchema),
  addedAt: TimeSchema,
  /** The homes that the device may reach, where the hub's owner said which. */
  homes: v.optional(v.array(NameSchema)),
  /** Expiry by the hub's clock; then the device is removed. */
  expiresAt: v.optional(TimeSchema),
  /** The device sends everything through the hub. */
  full: v.optional(v.literal(true)),
  /** The device sends everything through the hub and that home. */
  exit: v.optional(NameSchema),
  /** All that the device may reach behind the tunnel, where somebody said which services. */
  to: v.optional(v.pipe(v.array(ReachedServiceSchema), v.readonly())),
  /** The key of the hub that the device's file has. Default: the one that the hub had first. */
  hubKey: v.optional(PublicKeySchema),
  /** What the device's file says, where that is not enough any more (device-files.ts). */
  file: v.optional(v.looseObject({ address: Ipv4Schema, allowedIps: v.array(CidrOrAllSchema) })),
})

/**
 * Everything the hub must remember, as one document. A field of a newer version is kept and written back as it was: an
 * upgrade that is put back must find its homes. So a field that narrows what somebody may do, which this version would
 * not hold to, needs a higher STORE_SCHEMA.
 */
export const StoreDocumentSchema = v.pipe(
  v.looseObject({
    schema: v.literal(STORE_SCHEMA),
    /** The tunnel's network, once it was another one than at the start (tunnel-network.ts). */
    network: v.optional(CidrSchema),
    homes: v.array(HomeSchema),
    invites: v.array(InviteSchema),
    devices: v.array(DeviceSchema),
    /** Publications; absent in files of a hub that knew none. */
    publications: v.optional(v.array(v.looseObject(PublicationSchema.entries)), []),
  }),
  v.check(({ homes }) => allDiffer(homes.map((home) => home.name)), 'two homes have the same name'),
  v.check(({ devices }) => allDiffer(devices.map((device) => device.name)), 'two devices have the same name'),
  v.check(
    ({ homes, devices }) => allDiffer([...homes, ...devices].map((peer) => peer.address)),
    'two peers have the same address',
  ),
  v.check(
    ({ homes, devices }) => allDiffer([...homes, ...devices].map((peer) => peer.publicKey)),
    'two peers have the same public key',
  ),
  v.check(({ publications }) => noneOverlaps(publications), 'two publications have the same port'),
)

/** What this version knows of a record: a field of another version is nobody's business. */
type Known<Schema extends { readonly entries: v.ObjectEntries }> = Readonly<
  v.InferOutput<v.ObjectSchema<Schema['entries'], undefined>>
>
export type Home = Known<typeof HomeSchema>
export type Invite = Known<typeof InviteSchema>
export type Device = Known<typeof DeviceSchema>

export interface StoreDocument {
  readonly schema: typeof STORE_SCHEMA
  readonly network?: string | undefined
  readonly homes: readonly Home[]
  readonly invites: readonly Invite[]
  readonly devices: readonly Device[]
  readonly publications: readonly Publication[]
}

export const EMPTY_DOCUMENT: StoreDocument = {
  schema: STORE_SCHEMA,
  homes: [],
  invites: [],
  devices: [],
  publications: [],
}

/** A document with one change, and the change's answer. The same document: nothing to write. */
export type Change<Result> = readonly [StoreDocument, Result]

export function homeNamed(document: StoreDocument, name: string): Home | null {
  return document.homes.find((home) => home.name === name) ?? null
}

/** Networks that a home may announce. */
export function grantedTo({ granted, lan }: Pick<Home, 'granted' | 'lan'>): readonly string[] {
  return granted ?? lan
}

/** All secrets by which a home may come now, the one that it has first. */
export function secretsOf({ secretHash, nextSecretHash }: Pick<Home, 'secretHash' | 'nextSecretHash'>) {
  return nextSecretHash === undefined ? [secretHash] : [secretHash, nextSecretHash]
}

/**
 * The present state of a home that authenticated a moment ago.
 * @throws {Problem} `home-unknown` when it was removed or joined again in between.
 */
export function stillHome(document: StoreDocument, caller: Home, what: string): Home {
  const home = homeNamed(document, caller.name)
  if (home !== null && secretsOf(home).includes(caller.secretHash)) return home
  throw new Problem('home-unknown', { what, why: 'the hub no longer knows this home' })
}

/** Addresses that nobody new may get: those of homes, devices and invitations that can still be used. */
export function takenAddresses(document: StoreDocument, now: Date): Set<string> {
  const invited = document.invites.filter((invite) => isOpen(invite, now))
  return new Set([...document.homes, ...document.devices, ...invited].map((one) => one.address))
}

/** Whether a join may still use the invitation. */
export function isOpen(invite: Invite, now: Date): boolean {
  return invite.use === null && now.getTime() < Date.parse(invite.expiresAt)
}

function noneOverlaps(publications: readonly Publication[]): boolean {
  const last: Record<Publication['protocol'], number> = { tcp: 0, udp: 0 }
  return publications
    .toSorted((a, b) => a.port - b.port)
    .every(({ protocol, port, lastPort }) => {
      const isFree = port > last[protocol]
      last[protocol] = lastPort
      return isFree
    })
}

function allDiffer(values: readonly string[]): boolean {
  return new Set(values).size === values.length
}
