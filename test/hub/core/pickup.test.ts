import { expect, test } from 'vitest'
import { invite } from '../../../hub/core/invitation.ts'
import { pickUp, pickupOf } from '../../../hub/core/pickup.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import { EMPTY_DOCUMENT, type StoreDocument } from '../../../hub/core/store-document.ts'
import { newPickupCode, pickupLock, pickupSecret } from '../../../protocol/pickup.ts'
import { context, DAY, HOUR, invited, joined, later, newSecret, now } from './some.ts'

const code = newPickupCode('vps.example.org', 51_820)
const secret = hashOf(pickupSecret(code))
const other = hashOf(newSecret())
const fresh = hashOf(newSecret())

/** A hub with an invitation that waits to be picked up, between others that do not. */
function waiting(expiresInMs = HOUR): StoreDocument {
  const { document } = invited(joined(EMPTY_DOCUMENT, 'lodge').document, 'barn')
  const input = { home: 'cabin', lan: [], expiresInMs, pickup: pickupLock(code) }
  return invite(document, input, hashOf(newSecret()), context)[0]
}
const at = (ms: number): Date => later(ms).now
const cabin = (document: StoreDocument) => document.invites.find(({ home }) => home === 'cabin')

test('the invitation gets the new join secret, and nothing else of the store is changed', () => {
  const before = waiting()
  const [after, picked] = pickUp(before, secret, fresh, at(5_000))
  const pickup = { ...cabin(before)!.pickup, pickedAt: at(5_000).toISOString() }
  expect(picked).toEqual({ ...cabin(before), secretHash: fresh, pickup })
  expect(after).toEqual({ ...before, invites: before.invites.map((one) => (one.home === 'cabin' ? picked : one)) })
})

test('a second time it is refused, with when it was picked up and what to do', () => {
  const [after] = pickUp(waiting(), secret, fresh, now)
  expect(() => pickUp(after, secret, other, now)).toThrow(
    expect.objectContaining({
      code: 'token-used',
      why: `it was picked up at ${now.toISOString()}`,
      next: expect.stringContaining('homeward hub remove cabin'),
    }),
  )
})

test('after somebody has joined it is refused', () => {
  const before = waiting()
  const use = { publicKey: before.homes[0]!.publicKey, homeSecretHash: other, at: now.toISOString(), replaced: null }
  const invites = before.invites.map((one) => (one.home === 'cabin' ? { ...one, use } : one))
  expect(() => pickUp({ ...before, invites }, secret, fresh, now)).toThrow(
    expect.objectContaining({ code: 'token-used', why: `somebody joined with it at ${now.toISOString()}` }),
  )
})

test.each([
  ['the invitation’s own end, where that is sooner', HOUR, HOUR],
  ['a day', 7 * DAY, DAY],
])('it can be picked up until %s', (_until, expiresInMs, end) => {
  const before = waiting(expiresInMs)
  expect(pickUp(before, secret, fresh, at(end - 1))[1].home).toBe('cabin')
  expect(() => pickUp(before, secret, fresh, at(end))).toThrow(expect.objectContaining({ code: 'token-expired' }))
})

test('another secret finds nothing, nor one of an invitation that cannot be picked up', () => {
  const before = waiting()
  expect(pickupOf(before, secret).invite).toBe(cabin(before))
  for (const hash of [other, ...before.invites.map(({ secretHash }) => secretHash)]) {
    expect(() => pickupOf(before, hash)).toThrow(expect.objectContaining({ code: 'token-unknown' }))
    expect(() => pickUp(before, hash, fresh, now)).toThrow(expect.objectContaining({ code: 'token-unknown' }))
  }
})
