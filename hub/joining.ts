import { Problem } from '../problems/problem.ts'
import type { JoinRequest } from '../protocol/messages.ts'
import type { PublicKey } from '../wireguard/keys.ts'
import type { Circumstances } from './invitation.ts'
import { checkLan, occupiedFor, sortedLan } from './lan.ts'
import { findByHash, hashOf, sameHash } from './secret.ts'
import { type Change, type Home, homeNamed, type Invite, type StoreDocument, takenAddresses } from './store-document.ts'
import { nextFreeAddress } from './tunnel-network.ts'

/**
 * Makes a home of whoever holds the join secret, once. The same home asking again gets the same answer, since its
 * first one may have been lost on the way. A preview changes nothing.
 * @throws {Problem} `token-unknown`, `token-expired`, `token-used`, `lan-overlaps`, `prefix-invalid`, `request-invalid`.
 */
export function join(
  document: StoreDocument,
  request: JoinRequest,
  hubPublicKey: PublicKey,
  circumstances: Circumstances,
): Change<{ readonly home: Home; readonly repeated: boolean }> {
  const { network, own, now } = circumstances
  const invite = findByHash(document.invites, (one) => one.secretHash, hashOf(request.joinSecret))
  const what = invite === null ? 'joining the hub' : `joining the hub as ${invite.home}`
  if (invite === null)
    throw new Problem('token-unknown', { what, why: 'the hub knows no such token, or a newer one took its place' })
  const before = joinedBefore(document, invite, request, now)
  if (before !== null) return [document, { home: before, repeated: true }]
  if (invite.use !== null)
    throw new Problem('token-used', { what, why: `the token was used at ${invite.use.at}`, next: again(invite) })
  if (now.getTime() >= Date.parse(invite.expiresAt))
    throw new Problem('token-expired', { what, why: `the token expired at ${invite.expiresAt}`, next: again(invite) })

  const replaced = homeNamed(document, invite.home)
  const lan = sortedLan(request.lan.length === 0 ? invite.lan : request.lan)
  checkLan(lan, [...invite.lan, ...(replaced?.lan ?? [])], occupiedFor(invite.home, document, network, own, now), what)
  refuseTakenKey(document, request.publicKey, invite.home, hubPublicKey, what)
  const home: Home = {
    name: invite.home,
    address: addressFor(invite, document, circumstances, what),
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

/** WireGuard cannot have two peers of one key. @throws {Problem} `request-invalid`. */
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
    why: 'its public key belongs to somebody else already',
    next: 'Let it make a new key: two machines must never share one',
  })
}

function joinedBefore(document: StoreDocument, invite: Invite, request: JoinRequest, now: Date): Home | null {
  const home = homeNamed(document, invite.home)
  if (invite.use === null || home === null || now.getTime() >= Date.parse(invite.expiresAt)) return null
  const same =
    invite.use.publicKey === request.publicKey &&
    home.publicKey === request.publicKey &&
    sameHash(home.secretHash, hashOf(request.homeSecret))
  return same ? home : null
}

/** The invited one. After the hub's clock stepped, somebody else may have it. */
function addressFor(invite: Invite, document: StoreDocument, { network, now }: Circumstances, what: string): string {
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
