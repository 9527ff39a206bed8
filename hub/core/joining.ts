import { Problem } from '../../problems/problem.ts'
import type { JoinRequest } from '../../protocol/messages.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import { refuseTooManyPrefixes } from '../../protocol/lan-size.ts'
import { grantedByJoin } from '../rights/announcing.ts'
import { refuseBeyond } from '../rights/quotas.ts'
import type { InviteContext } from './invitation.ts'
import { checkLan, occupiedFor, sortedLan } from './lan.ts'
import { findByHash, hashOf, sameHash } from './secret.ts'
import {
  type Change,
  grantedTo,
  type Home,
  homeNamed,
  type Invite,
  type StoreDocument,
  takenAddresses,
} from './store-document.ts'
import { nextFreeAddress } from './tunnel-network.ts'

/**
 * Makes a home of whoever holds the join secret, once. The same home asking again gets the same answer, since the first
 * may have been lost; it is known by its own secret, and may have another key by then. A preview changes nothing.
 * @throws {Problem} `token-unknown`, `token-expired`, `token-used`, `lan-overlaps`, `prefix-invalid`, `right-missing`,
 *   `quota-reached`, `request-invalid`.
 */
export function join(
  document: StoreDocument,
  request: JoinRequest,
  hubPublicKey: PublicKey,
  context: InviteContext,
): Change<{ readonly home: Home; readonly repeated: boolean }> {
  const { network, own, now } = context
  const invite = findByHash(document.invites, (one) => one.secretHash, hashOf(request.joinSecret))
  const what = invite === null ? 'joining the hub' : `joining the hub as ${invite.home}`
  if (invite === null)
    throw new Problem('token-unknown', { what, why: 'the hub knows no such token, or a newer one took its place' })
  const before = joinedBefore(document, invite, request, now)
  if (before !== null) {
    if (before.publicKey === request.publicKey) return [document, { home: before, repeated: true }]
    refuseTakenKey(document, request.publicKey, before.name, hubPublicKey, what)
    return rekeyed(document, invite, before, request)
  }
  if (invite.use !== null)
    throw new Problem('token-used', { what, why: `the token was used at ${invite.use.at}`, next: again(invite) })
  if (now.getTime() >= Date.parse(invite.expiresAt))
    throw new Problem('token-expired', { what, why: `the token expired at ${invite.expiresAt}`, next: again(invite) })

  const replaced = homeNamed(document, invite.home)
  const given = givenBy(invite, replaced)
  const wished = request.lan.length === 0 ? invite.lan : request.lan
  refuseTooManyPrefixes(wished, what)
  const granted = grantedByJoin({ name: invite.home, ...given }, wished, (invite.granted ?? []).length > 0, what)
  const lan = sortedLan(wished)
  refuseBeyond({ name: invite.home, ...given }, 'prefixes', lan.length, what)
  checkLan(lan, given.granted, occupiedFor(invite.home, document, network, own, now), what)
  refuseTakenKey(document, request.publicKey, invite.home, hubPublicKey, what)
  const home: Home = {
    ...given,
    granted,
    name: invite.home,
    address: addressFor(invite, document, context, what),
    publicKey: request.publicKey,
    secretHash: hashOf(request.homeSecret),
    lan,
    joinedAt: now.toISOString(),
  }
  if (request.preview) return [document, { home, repeated: false }]
  const use = { publicKey: home.publicKey, homeSecretHash: home.secretHash, at: home.joinedAt, replaced }
  return [
    {
      ...document,
      homes: [...document.homes.filter((other) => other.name !== home.name), home],
      invites: document.invites.map((other) => (other === invite ? { ...invite, address: home.address, use } : other)),
    },
    { home, repeated: false },
  ]
}

/** What the owner gave with the invitation, else to the home that was there before. */
function givenBy(invite: Invite, replaced: Home | null): Pick<Home, 'may' | 'quota'> & { readonly granted: string[] } {
  const may = invite.may ?? replaced?.may
  const quota = invite.quota ?? replaced?.quota
  // An invitation from before there were rights says in its LAN what its owner named.
  const named = invite.granted ?? invite.lan
  return {
    ...(may === undefined ? {} : { may }),
    ...(quota === undefined ? {} : { quota }),
    granted: sortedLan([...named, ...(replaced === null ? [] : grantedTo(replaced))]),
  }
}

/** Refuses a key that is taken: WireGuard cannot have two peers of one key. @throws {Problem} `request-invalid`. */
export function refuseTakenKey(
  document: StoreDocument,
  publicKey: PublicKey,
  home: string | null,
  hubPublicKey: PublicKey,
  what: string,
): void {
  const others = [...document.homes.filter((other) => other.name !== home), ...document.devices]
  if (publicKey !== hubPublicKey && others.every((other) => other.publicKey !== publicKey)) return
  throw new Problem('request-invalid', {
    what,
    why: 'its public key belongs to somebody else already, and two machines must never share one: let it make a new key',
  })
}

/** The home that this invitation made, when it is the one that asks and has not registered another key since. */
function joinedBefore(document: StoreDocument, invite: Invite, request: JoinRequest, now: Date): Home | null {
  const home = homeNamed(document, invite.home)
  if (invite.use === null || home === null || now.getTime() >= Date.parse(invite.expiresAt)) return null
  const same = invite.use.publicKey === home.publicKey && sameHash(home.secretHash, hashOf(request.homeSecret))
  return same ? home : null
}

/** Gives the home another key: a router makes its own, and another one after it has undone an interrupted join. */
function rekeyed(
  document: StoreDocument,
  invite: Invite,
  before: Home,
  { publicKey, preview }: JoinRequest,
): Change<{ readonly home: Home; readonly repeated: boolean }> {
  const home = { ...before, publicKey }
  if (preview) return [document, { home, repeated: true }]
  const homes = document.homes.map((other) => (other === before ? home : other))
  const invites = document.invites.map((other) =>
    other === invite && invite.use !== null ? { ...invite, use: { ...invite.use, publicKey } } : other,
  )
  return [
    { ...document, homes, invites },
    { home, repeated: true },
  ]
}

/** The home's address: the invitation's, unless somebody else has it after the hub's clock stepped. */
function addressFor(invite: Invite, document: StoreDocument, { network, now }: InviteContext, what: string): string {
  const others = {
    ...document,
    homes: document.homes.filter((home) => home.name !== invite.home),
    invites: document.invites.filter((other) => other !== invite),
  }
  const taken = takenAddresses(others, now)
  return taken.has(invite.address) ? nextFreeAddress(network, taken, what) : invite.address
}

function again(invite: Invite): string {
  return `Make a new one on the hub: homeward hub invite ${invite.home}`
}
