import { expect, test } from 'vitest'
import { addPublication, outgoingOf, type PublicationInput } from '../../../hub/core/publications.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import { EMPTY_DOCUMENT, type Home, type StoreDocument } from '../../../hub/core/store-document.ts'
import { RIGHTS } from '../../../hub/rights/rights.ts'
import { makeVisitors } from '../../../hub/visitors/visitors.ts'
import { parsePublicKey } from '../../../wireguard/keys.ts'

const now = new Date('2026-11-23T10:00:00Z')
const home = (name: string, letter: string, address: string, lan: string, keeps: string): Home => ({
  name,
  address,
  publicKey: parsePublicKey(`${letter.repeat(42)}A=`),
  secretHash: hashOf(name),
  lan: [lan],
  joinedAt: now.toISOString(),
  may: [...RIGHTS],
  keeps: [keeps],
})
const cabin = home('cabin', 'B', '10.86.0.2', '192.168.1.0/24', '192.168.1.2/32')
const lodge = home('lodge', 'C', '10.86.0.3', '192.168.88.0/24', '192.168.88.0/24')
const empty: StoreDocument = { ...EMPTY_DOCUMENT, homes: [cabin, lodge] }

function published(owner: Home, more: Pick<PublicationInput, 'address'> & Partial<PublicationInput>): StoreDocument {
  const input = { protocol: 'tcp', port: 443, lastPort: 443, targetPort: 8443, source: null, ...more } as const
  return addPublication(empty, owner, input, () => null, now)[0]
}

test('a home is asked until what it says is what is wanted, whoever was restarted in between', () => {
  const kept = published(lodge, { address: '192.168.88.20' })
  const visitors = makeVisitors()
  visitors.serve(empty)
  expect(visitors.isNews(lodge)).toBe(false)
  visitors.serve(kept)
  expect([visitors.isNews(lodge), visitors.isNews(cabin)]).toEqual([true, false])
  visitors.heard('lodge', false)
  expect(visitors.isNews(lodge)).toBe(true)
  visitors.heard('lodge', true)
  expect([visitors.isNews(lodge), visitors.isReady('lodge')]).toEqual([false, true])
  visitors.serve(empty)
  expect(visitors.isNews(lodge)).toBe(true)
  visitors.heard('lodge', false)
  expect(visitors.isNews(lodge)).toBe(false)
})

test('a service that was given by a name is news until the home was told', () => {
  const visitors = makeVisitors()
  visitors.serve(published(cabin, { address: '192.168.1.20', host: 'nas.lan' }))
  expect([visitors.isNews(cabin), visitors.isNews(lodge)]).toEqual([true, false])
  visitors.told('cabin')
  expect(visitors.isNews(cabin)).toBe(false)
})

test('what checks of its publications found is news until the home was told, and forgotten with the home', () => {
  const visitors = makeVisitors()
  visitors.serve(empty)
  visitors.haveNews(['cabin'])
  expect([visitors.isNews(cabin), visitors.isNews(lodge)]).toEqual([true, false])
  visitors.told('cabin')
  expect(visitors.isNews(cabin)).toBe(false)
  visitors.haveNews(['cabin'])
  visitors.serve({ ...empty, homes: [] })
  expect(visitors.isNews(cabin)).toBe(false)
})

test('a home that shall send by the hub answers visitors too, and is asked until it says that it does both', () => {
  const able = { ...lodge, outgoing: true }
  const input = { protocol: 'tcp', port: 25, lastPort: 25, targetPort: 25, source: 'hide', outgoing: true } as const
  const document = { ...EMPTY_DOCUMENT, homes: [able] }
  const [sending] = addPublication(document, able, { ...input, address: '192.168.88.20' }, () => null, now)
  const visitors = makeVisitors()
  visitors.serve(sending)
  expect([visitors.isWanted('lodge'), visitors.isNews(able), visitors.isSending('lodge')]).toEqual([true, true, false])
  visitors.heard('lodge', true, [])
  expect(visitors.isNews(able)).toBe(true)
  visitors.heard('lodge', true, outgoingOf(sending, 'lodge'))
  expect([visitors.isNews(able), visitors.isSending('lodge')]).toEqual([false, true])
  // Taken back, or a home of an older version.
  visitors.serve(document)
  expect([visitors.isNews(able), visitors.isSending('lodge')]).toEqual([true, false])
  visitors.heard('lodge', false, null)
  expect([visitors.isNews(able), visitors.isSending('lodge')]).toEqual([false, true])
})
