import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { PICKUP_LIFE_MS, type PickupLock } from '../../protocol/pickup.ts'
import { NameSchema } from '../../protocol/names.ts'
import { readGift } from '../rights/gift.ts'
import { type Quota, quotaOf } from '../rights/quotas.ts'
import { checkLan, type Occupied, occupiedFor, sortedLan } from './lan.ts'
import type { SecretHash } from './secret.ts'
import { type Change, homeNamed, type Invite, type StoreDocument, takenAddresses } from './store-document.ts'
import { nextFreeAddress } from './tunnel-network.ts'

/** Facts about the hub and the time that the operations need. */
export interface InviteContext {
  readonly network: string
  readonly own: readonly Occupied[]
  /** The time by the calendar: expiry is promised to people. */
  readonly now: Date
}

export interface InviteInput {
  readonly home: string
  /** Canonical prefixes; empty: what the home says, or what a known home has already. */
  readonly lan: readonly string[]
  readonly expiresInMs: number
  /** What the home may do, as typed; null: what a known home may already, else the default. */
  readonly may?: string | null
  readonly quota?: string | null
  /** Lets the token be picked up once, with the code that this belongs to. */
  readonly pickup?: PickupLock | null
}

/** How long an expired invitation is kept, to answer latecomers `token-expired` rather than `token-unknown`. */
const FORGET_EXPIRED_AFTER_MS = 30 * 24 * 3_600_000

/**
 * Invites a home. A name that is known already gets a new key with the join, and keeps its address: a home that lost
 * its SD card comes back. An older invitation of that name is then void.
 * @throws {Problem} `home-name-invalid`, `wrong-usage`, `lan-overlaps`, `prefix-invalid`, `network-full`.
 */
export function invite(
  document: StoreDocument,
  input: InviteInput,
  secretHash: SecretHash,
  { network, own, now }: InviteContext,
): Change<{ readonly invite: Invite; readonly known: boolean }> {
  const what = `inviting the home ${JSON.stringify(input.home)}`
  if (!v.is(NameSchema, input.home)) throw new Problem('home-name-invalid', { what, why: 'it is not a valid name' })
  const known = homeNamed(document, input.home)
  const lan = sortedLan(input.lan.length === 0 ? (known?.lan ?? []) : input.lan)
  // The hub's owner typed this, so everything in it is granted.
  checkLan(lan, lan, occupiedFor(input.home, document, network, own, now), what)
  const others = document.invites.filter((other) => other.home !== input.home && !isLongGone(other, now))
  const taken = takenAddresses({ ...document, invites: others }, now)
  const given = readGift(known ?? {}, { may: input.may ?? null, quota: input.quota ?? null }, what)
  const invite: Invite = {
    home: input.home,
    address: known?.address ?? nextFreeAddress(network, taken, what),
    secretHash,
    lan,
    granted: sortedLan(input.lan),
    ...given,
    ...quotaForNamed(input.lan.length, given.quota ?? known?.quota, input.quota ?? '', what),
    expiresAt: new Date(now.getTime() + input.expiresInMs).toISOString(),
    use: null,
    ...(input.pickup == null
      ? {}
      : { pickup: waiting(input.pickup, Math.min(input.expiresInMs, PICKUP_LIFE_MS), now) }),
  }
  return [
    { ...document, invites: [...others, invite] },
    { invite, known: known !== null },
  ]
}

/**
 * Whoever names networks allows as many: without that an invitation would be taken whose join is refused.
 * @param typed the quota that was typed with them; one that allows fewer is a contradiction.
 */
function quotaForNamed(
  named: number,
  quota: Quota | undefined,
  typed: string,
  what: string,
): { readonly quota?: Quota } {
  const { prefixes } = quotaOf({ quota })
  if (named <= prefixes) return {}
  if (/\bprefixes=/.test(typed))
    throw new Problem('wrong-usage', {
      what,
      why: `${named} networks are named, and the quota allows ${prefixes}`,
      next: `Name fewer networks, or give --quota prefixes=${named}`,
    })
  return { quota: { ...quota, prefixes: named } }
}

function waiting({ key, hash }: PickupLock, forMs: number, now: Date): Invite['pickup'] {
  return { key, hash: hash as SecretHash, expiresAt: new Date(now.getTime() + forMs).toISOString() }
}

function isLongGone(invite: Invite, now: Date): boolean {
  return now.getTime() > Date.parse(invite.expiresAt) + FORGET_EXPIRED_AFTER_MS
}
