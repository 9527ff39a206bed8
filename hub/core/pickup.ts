import { Problem } from '../../problems/problem.ts'
import { findByHash, type SecretHash } from './secret.ts'
import type { Change, Invite, StoreDocument } from './store-document.ts'

type Pickup = NonNullable<Invite['pickup']>

/** The invitation whose token is given for the secret with this hash. @throws {Problem} `token-unknown`. */
export function pickupOf(
  document: StoreDocument,
  hash: SecretHash,
): { readonly invite: Invite; readonly pickup: Pickup } {
  const waiting = document.invites.flatMap((invite) => {
    const { pickup } = invite
    return pickup === undefined ? [] : [{ invite, pickup }]
  })
  const found = findByHash(waiting, ({ pickup }) => pickup.hash, hash)
  if (found !== null) return found
  throw new Problem('token-unknown', {
    what: 'picking up the token',
    why: 'the hub knows no such code, or a newer invitation took its place',
  })
}

/**
 * Gives the invitation another join secret, for the token that is picked up: the one that was shown on the console is
 * void from then on. Once, and only before somebody has joined.
 * @throws {Problem} `token-unknown`, `token-used`, `token-expired`.
 */
export function pickUp(document: StoreDocument, hash: SecretHash, joinSecret: SecretHash, now: Date): Change<Invite> {
  const { invite, pickup } = pickupOf(document, hash)
  const { home } = invite
  const what = `picking up the token of ${home}`
  const next = `If that was not you, remove the home on the hub: homeward hub remove ${home}. Make a new token there: homeward hub invite ${home}`
  if (pickup.pickedAt !== undefined)
    throw new Problem('token-used', { what, why: `it was picked up at ${pickup.pickedAt}`, next })
  if (invite.use !== null)
    throw new Problem('token-used', { what, why: `somebody joined with it at ${invite.use.at}`, next })
  if (now.getTime() >= Date.parse(pickup.expiresAt))
    throw new Problem('token-expired', { what, why: `the code expired at ${pickup.expiresAt}` })
  const picked: Invite = { ...invite, secretHash: joinSecret, pickup: { ...pickup, pickedAt: now.toISOString() } }
  return [{ ...document, invites: document.invites.map((one) => (one === invite ? picked : one)) }, picked]
}
