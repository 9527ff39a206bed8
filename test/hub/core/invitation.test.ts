import { describe, expect, test } from 'vitest'
import { invite, type InviteInput } from '../../../hub/core/invitation.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import { EMPTY_DOCUMENT, type StoreDocument } from '../../../hub/core/store-document.ts'
import { context, DAY, HOUR, invited, joined, later, now, readable, refusal } from './some.ts'

const hash = hashOf('a secret')
const cabin: InviteInput = { home: 'cabin', lan: [], expiresInMs: HOUR }
const add = (document: StoreDocument, input: Partial<InviteInput> = {}, at = context) =>
  readable(invite(document, { ...cabin, ...input }, hash, at))

describe('an invitation', () => {
  test('keeps an address and a LAN for the home, for so long, and the hash of its secret', () => {
    const [after, { invite: made, known }] = add(EMPTY_DOCUMENT, { lan: ['192.168.9.0/24', '192.168.8.0/24'] })
    expect(known).toBe(false)
    expect(made).toEqual({
      home: 'cabin',
      address: '10.86.0.2',
      secretHash: hash,
      lan: ['192.168.8.0/24', '192.168.9.0/24'],
      granted: ['192.168.8.0/24', '192.168.9.0/24'],
      expiresAt: new Date(now.getTime() + HOUR).toISOString(),
      use: null,
    })
    expect(after).toEqual({ ...EMPTY_DOCUMENT, invites: [made] })
  })

  test('of a home that is there keeps its address, and its LAN unless another is named', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
    const [, same] = add(document)
    expect(same).toMatchObject({ known: true, invite: { address: home.address, lan: home.lan } })
    expect(add(document, { lan: ['192.168.2.0/24'] })[1].invite.lan).toEqual(['192.168.2.0/24'])
  })

  test('has the rights and quotas that were named, on top of what a home that is there may already', () => {
    const named = (document: StoreDocument, input: Partial<InviteInput>) => {
      const { may, quota } = add(document, input)[1].invite
      return [may, quota]
    }
    expect(named(EMPTY_DOCUMENT, { may: '+lan' })).toEqual([['lan', 'devices', 'publish'], undefined])
    expect(named(EMPTY_DOCUMENT, { quota: 'ports=10' })).toEqual([undefined, { ports: 10 }])
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin')
    const there: StoreDocument = { ...document, homes: [{ ...home, may: ['exit'], quota: { devices: 3 } }] }
    expect(named(there, { may: '+lan', quota: 'ports=10' })).toEqual([['lan', 'exit'], { devices: 3, ports: 10 }])
  })

  test('for more networks than a home may have by itself allows as many, so that its join is taken', () => {
    const lan = Array.from({ length: 9 }, (_, index) => `192.168.${index + 1}.0/24`)
    const [, { invite: made }] = add(EMPTY_DOCUMENT, { lan })
    expect(made.quota).toEqual({ prefixes: 9 })
    expect(add(EMPTY_DOCUMENT, { lan: lan.slice(1) })[1].invite.quota).toBeUndefined()
    expect(add(EMPTY_DOCUMENT, { lan, quota: 'ports=10' })[1].invite.quota).toEqual({ ports: 10, prefixes: 9 })
    expect(joined(EMPTY_DOCUMENT, 'cabin', lan).home.lan).toEqual(lan)
    expect(refusal(() => add(EMPTY_DOCUMENT, { lan, quota: 'prefixes=8' }))).toBe('wrong-usage')
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin')
    const there: StoreDocument = { ...document, homes: [{ ...home, quota: { prefixes: 12 } }] }
    expect(add(there, { lan })[1].invite.quota).toBeUndefined()
  })

  test('takes the place of an older one of that name, and gives its address on', () => {
    const { document } = invited(EMPTY_DOCUMENT, 'cabin')
    const [after] = add(document)
    expect(after.invites).toMatchObject([{ home: 'cabin', address: '10.86.0.2', secretHash: hash }])
  })

  test('of others is kept, a month after it expired, and then forgotten', () => {
    const { document } = invited(EMPTY_DOCUMENT, 'lodge')
    const homesAfter = (ms: number) => add(document, {}, later(ms))[0].invites.map(({ home }) => home)
    expect(homesAfter(HOUR + 30 * DAY)).toEqual(['lodge', 'cabin'])
    expect(homesAfter(HOUR + 30 * DAY + 1)).toEqual(['cabin'])
  })

  test.each(['', '../x', 'a b', '$(reboot)', 'x'.repeat(33), 'Cabin', '-x', 'x;y'])(
    'for a home that is called %j is refused',
    (home) => {
      expect(refusal(() => add(EMPTY_DOCUMENT, { home }))).toBe('home-name-invalid')
    },
  )

  test('the hub’s owner may grant a public LAN, but none that is somebody’s', () => {
    expect(add(EMPTY_DOCUMENT, { lan: ['198.51.100.0/25'] })[1].invite.lan).toEqual(['198.51.100.0/25'])
    const { document } = joined(EMPTY_DOCUMENT, 'lodge', ['192.168.1.0/24'])
    expect(refusal(() => add(document, { lan: ['192.168.1.0/25'] }))).toBe('lan-overlaps')
    expect(refusal(() => add(document, { lan: ['203.0.113.64/26'] }))).toBe('lan-overlaps')
  })
})
