import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { EMPTY_DOCUMENT, grantedTo, secretsOf, StoreDocumentSchema } from '../../../hub/core/store-document.ts'
import { invited, joined, now } from './some.ts'

/** A file of the hub that somebody edited, or that a disk damaged: it is refused at the start, not in the middle. */

const { document, home } = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
const [invite] = invited(document, 'lodge', ['192.168.2.0/24']).document.invites.slice(-1)
const time = now.toISOString()
const hash = home.secretHash

const isRead = (more: object): boolean => {
  const file: unknown = JSON.parse(JSON.stringify({ ...EMPTY_DOCUMENT, ...more }))
  return v.safeParse(StoreDocumentSchema, file).success
}

describe('a home', () => {
  const hasBeenRead = (more: object): boolean => isRead({ homes: [{ ...home, ...more }] })

  test.each([
    ['nextSecretHash', hash],
    ['secretAt', time],
    ['rotatedAt', time],
    ['mtu', 1_280],
    ['keeps', ['192.168.1.2/32']],
    ['triesKeep', true],
    ['follows', true],
    ['trusts', 'ab'.repeat(32)],
    ['outgoing', false],
    ['granted', ['192.168.0.0/16']],
  ])('may say its %s', (field, value) => {
    expect(hasBeenRead({ [field]: value })).toBe(true)
  })

  test.each([
    ['name', 'No Name'],
    ['address', '10.86.0.300'],
    ['publicKey', 'short'],
    ['secretHash', 'short'],
    ['nextSecretHash', 'short'],
    ['secretAt', 'yesterday'],
    ['lan', ['192.168.1.7']],
    ['rotatedAt', 'yesterday'],
    ['mtu', 12],
    ['keeps', ['everything']],
    ['triesKeep', false],
    ['follows', false],
    ['trusts', 'short'],
    ['outgoing', 'yes'],
    ['granted', ['everything']],
  ])('with an odd %s is refused', (field, value) => {
    expect(hasBeenRead({ [field]: value })).toBe(false)
  })
})

describe('an invitation', () => {
  const use = { publicKey: home.publicKey, homeSecretHash: hash, at: time, replaced: home }
  const hasBeenRead = (more: object): boolean => isRead({ invites: [{ ...invite, ...more }] })

  test('is read, and with what was made of it', () => {
    expect([hasBeenRead({}), hasBeenRead({ use }), hasBeenRead({ use: { ...use, replaced: null } })]).toEqual([
      true,
      true,
      true,
    ])
  })

  test.each([
    ['home', 'No Name'],
    ['address', '10.86.0.300'],
    ['secretHash', 'short'],
    ['lan', ['192.168.1.7']],
    ['expiresAt', 'tomorrow'],
    ['use', 'used'],
    ['use', { ...use, publicKey: 'short' }],
    ['use', { ...use, homeSecretHash: 'short' }],
    ['use', { ...use, at: 'yesterday' }],
    ['use', { ...use, replaced: { ...home, name: 'No Name' } }],
  ])('with an odd %s is refused', (field, value) => {
    expect(hasBeenRead({ [field]: value })).toBe(false)
  })
})

test('a home of before there were rights may announce the LAN that it has, and no wider one', () => {
  const { granted: _, ...old } = home
  expect(grantedTo(old)).toEqual(['192.168.1.0/24'])
  expect(grantedTo({ ...old, granted: [] })).toEqual([])
})

test('a home comes by the secret that it has, and by the next one once it told one', () => {
  expect(secretsOf(home)).toEqual([hash])
  expect(secretsOf({ ...home, nextSecretHash: hash })).toEqual([hash, hash])
})
