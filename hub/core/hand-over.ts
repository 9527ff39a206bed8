import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { FingerprintSchema } from '../../protocol/fingerprint.ts'
import { PublicKeySchema } from '../../protocol/messages.ts'
import { MOST_SUCCESSIONS, SuccessionSchema } from '../../protocol/succession.ts'
import type { Home, StoreDocument } from './store-document.ts'

/**
 * The change of the hub's own key and certificate, as one document: what it is now, what leads there, and what comes
 * next. Pure. Whatever is cut off, the document says the one or the other, and the machine follows it.
 *
 *     settled --begin--> announced --change--> settled, with the next identity as the present one
 *                        announced --cancel--> settled, as before
 */

const TimeSchema = v.pipe(v.string(), v.isoTimestamp())

const NamedSchema = v.object({
  /** SHA-256 of the certificate, which names the folder of the keys too. */
  certificate: FingerprintSchema,
  /** WireGuard's public key. */
  publicKey: PublicKeySchema,
})

export const HandOverSchema = v.object({
  schema: v.literal(1),
  /** What is in the settings folder, and is replaced: beside another certificate this document is worth nothing. */
  replaces: NamedSchema,
  /** null: what is in the settings folder. */
  present: v.nullable(v.object({ ...NamedSchema.entries, since: TimeSchema })),
  /** What leads to the present certificate, oldest first. */
  successions: v.pipe(v.array(SuccessionSchema), v.maxLength(MOST_SUCCESSIONS - 1)),
  next: v.nullable(
    v.object({
      ...NamedSchema.entries,
      succession: SuccessionSchema,
      announcedAt: TimeSchema,
      /** Whether homes that cannot follow are not waited for. */
      leavesBehind: v.boolean(),
    }),
  ),
})

export type HandOver = Readonly<v.InferOutput<typeof HandOverSchema>>
export type NextIdentity = Omit<NonNullable<HandOver['next']>, 'announcedAt' | 'leavesBehind'>

export function noHandOver(replaces: HandOver['replaces']): HandOver {
  return { schema: 1, replaces, present: null, successions: [], next: null }
}

/** SHA-256 of the certificate that the hub has now. */
function presentCertificate({ present, replaces }: HandOver): string {
  return (present ?? replaces).certificate
}

/** SHA-256 of the certificate that homes shall trust: the next one, once there is one. */
export function newestCertificate(handOver: HandOver): string {
  return handOver.next?.certificate ?? presentCertificate(handOver)
}

/** All that homes are told, oldest first: what leads to the present certificate, and on to the next. */
export function toldSuccessions({ successions, next }: HandOver): HandOver['successions'] {
  return next === null ? [...successions] : [...successions, next.succession]
}

/** Announces the next identity. Announced again nothing changes but who is waited for. */
export function begin(handOver: HandOver, next: NextIdentity, leavesBehind: boolean, now: Date): HandOver {
  if (handOver.next !== null) return { ...handOver, next: { ...handOver.next, leavesBehind } }
  return { ...handOver, next: { ...next, announcedAt: now.toISOString(), leavesBehind } }
}

/** Forgets the next identity. Homes that have it drop it when they register. @throws {Problem} `no-hand-over`. */
export function cancel(handOver: HandOver): HandOver {
  if (handOver.next !== null) return { ...handOver, next: null }
  throw new Problem('no-hand-over', { what: 'keeping the hub’s key', why: 'no other one was announced' })
}

/** Makes the next identity the present one; without one nothing changes. */
export function change(handOver: HandOver, now: Date): HandOver {
  const { next, successions } = handOver
  if (next === null) return handOver
  const { certificate, publicKey, succession } = next
  return {
    ...handOver,
    present: { certificate, publicKey, since: now.toISOString() },
    successions: [...successions, succession].slice(1 - MOST_SUCCESSIONS),
    next: null,
  }
}

/**
 * Takes an identity to which nothing leads: a thief of the present key could sign as well as the hub. Every home must be
 * invited again.
 */
export function breakWith(handOver: HandOver, { certificate, publicKey }: NextIdentity, now: Date): HandOver {
  return { ...handOver, present: { certificate, publicKey, since: now.toISOString() }, successions: [], next: null }
}

/**
 * How a home stands to a certificate of the hub. `waiting`: it can follow, and has not said that it would. `older`: its
 * agent has never said anything of it, and cannot follow.
 */
export type Standing = 'confirmed' | 'waiting' | 'older'

export function standingOf({ trusts }: Pick<Home, 'trusts'>, certificate: string): Standing {
  if (trusts === undefined) return 'older'
  return trusts === certificate ? 'confirmed' : 'waiting'
}

/** Whether the announced change takes place by itself: nobody is waited for any more. */
export function isDue(handOver: HandOver, { homes }: Pick<StoreDocument, 'homes'>): boolean {
  const { next } = handOver
  if (next === null) return false
  const standings = homes.map((home) => standingOf(home, next.certificate))
  return standings.every((one) => one === 'confirmed' || (one === 'older' && next.leavesBehind))
}

/**
 * Refuses a change that cuts homes off for good without their owner's word. A home that can follow is not among them,
 * whether it was heard lately or not: it finds its way when it comes back.
 * @throws {Problem} `homes-left-behind`.
 */
export function refuseLeavingBehind(
  { homes }: Pick<StoreDocument, 'homes'>,
  leavesBehind: boolean,
  what: string,
): void {
  const older = homes.filter(({ trusts }) => trusts === undefined).map(({ name }) => name)
  if (leavesBehind || older.length === 0) return
  throw new Problem('homes-left-behind', {
    what,
    why: `${older.join(', ')} would be cut off: ${older.length === 1 ? 'its agent is' : 'their agents are'} of an older version, or not heard since this hub was upgraded`,
  })
}

/** Homes that do not know the present identity, though they were there before it. */
export function notFollowing({ present }: HandOver, { homes }: Pick<StoreDocument, 'homes'>): readonly Home[] {
  if (present === null) return []
  const { certificate, since } = present
  // A home that joined since has pinned it.
  return homes.filter((home) => Date.parse(home.joinedAt) < Date.parse(since) && home.trusts !== certificate)
}
