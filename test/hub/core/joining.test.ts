import { describe, expect, test } from 'vitest'
import { addDevice } from '../../../hub/core/devices.ts'
import { invite } from '../../../hub/core/invitation.ts'
import { join } from '../../../hub/core/joining.ts'
import { register } from '../../../hub/core/registration.ts'
import { leave, removeHome } from '../../../hub/core/removal.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import { EMPTY_DOCUMENT, homeNamed } from '../../../hub/core/store-document.ts'
import {
  context,
  device,
  HOUR,
  hubKey,
  invited,
  joined,
  later,
  newKey,
  newSecret,
  now,
  readable,
  reasonOf,
  refusal,
  request,
} from './some.ts'

describe('joining', () => {
  test('makes a home once; the same home asking again gets the same answer, another one does not', () => {
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
    const mine = request(secret)
    const [after, first] = readable(join(document, mine, hubKey, context))
    expect(first.repeated).toBe(false)
    expect(first.home).toEqual({
      name: 'cabin',
      address: '10.86.0.2',
      publicKey: mine.publicKey,
      secretHash: hashOf(mine.homeSecret),
      lan: ['192.168.1.0/24'],
      granted: ['192.168.1.0/24'],
      joinedAt: now.toISOString(),
    })
    const [again, second] = join(after, mine, hubKey, context)
    expect(second).toEqual({ home: first.home, repeated: true })
    expect(again).toBe(after)
    expect(refusal(() => join(after, request(secret), hubKey, context))).toBe('token-used')
    expect(refusal(() => join(after, { ...mine, homeSecret: newSecret() }, hubKey, context))).toBe('token-used')
    const { what, why, next } = reasonOf(() => join(after, request(secret), hubKey, context))
    expect(what).toBe('joining the hub as cabin')
    expect(why).toBe(`the token was used at ${now.toISOString()}`)
    expect(next).toContain('homeward hub invite cabin')
  })

  test('a preview answers the same and changes nothing', () => {
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin')
    const [after, answer] = join(document, request(secret, { preview: true }), hubKey, context)
    expect(after).toBe(document)
    expect(answer).toMatchObject({ home: { address: '10.86.0.2' }, repeated: false })
  })

  test('an expired, an unknown and a replaced token are refused by name', () => {
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin')
    expect(refusal(() => join(document, request(secret), hubKey, later(HOUR)))).toBe('token-expired')
    expect(refusal(() => join(document, request(newSecret()), hubKey, context))).toBe('token-unknown')
    const newer = invited(document, 'cabin')
    expect(refusal(() => join(newer.document, request(secret), hubKey, context))).toBe('token-unknown')
    expect(reasonOf(() => join(document, request(newSecret()), hubKey, context)).what).toBe('joining the hub')
  })

  test('a token may be used until the moment it expires, and the answer repeated as long', () => {
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin')
    const mine = request(secret)
    const [after, { home }] = join(document, mine, hubKey, later(HOUR - 1))
    expect(home.name).toBe('cabin')
    expect(join(after, mine, hubKey, later(HOUR - 1))[1].repeated).toBe(true)
    expect(refusal(() => join(after, mine, hubKey, later(HOUR)))).toBe('token-used')
  })

  test('the store holds no secret that opens anything', () => {
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin')
    const mine = request(secret)
    const text = JSON.stringify(join(document, mine, hubKey, context)[0])
    expect(text).not.toContain(secret)
    expect(text).not.toContain(mine.homeSecret)
  })

  test('takes the LAN that the home says, sorted and once, else what it was invited with', () => {
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin', ['192.168.0.0/16'])
    const lan = ['192.168.9.0/24', '192.168.8.0/24', '192.168.9.0/24']
    const [, { home }] = join(document, request(secret, { lan }), hubKey, context)
    expect(home.lan).toEqual(['192.168.8.0/24', '192.168.9.0/24'])
    expect(join(document, request(secret), hubKey, context)[1].home.lan).toEqual(['192.168.0.0/16'])
  })

  test('what the owner granted may be said, at the invitation or for the home that is replaced, and nothing else public', () => {
    const granted = ['198.51.100.0/24']
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin', granted)
    const half = ['198.51.100.0/25']
    expect(join(document, request(secret, { lan: half }), hubKey, context)[1].home.lan).toEqual(half)
    const first = joined(EMPTY_DOCUMENT, 'lodge', granted)
    const again = invited(first.document, 'lodge', ['192.168.1.0/24'])
    expect(join(again.document, request(again.secret, { lan: half }), hubKey, context)[1].home.lan).toEqual(half)
    expect(refusal(() => join(document, request(secret, { lan: ['8.8.8.0/24'] }), hubKey, context))).toBe(
      'right-missing',
    )
    const open = invited(EMPTY_DOCUMENT, 'cabin')
    expect(refusal(() => join(open.document, request(open.secret, { lan: ['8.8.8.0/24'] }), hubKey, context))).toBe(
      'prefix-invalid',
    )
  })

  test('leaves other homes and invitations as they are', () => {
    const lodge = joined(EMPTY_DOCUMENT, 'lodge')
    const barn = invited(lodge.document, 'barn')
    const { document, secret } = invited(barn.document, 'cabin')
    const [after] = readable(join(document, request(secret), hubKey, context))
    expect(after.homes.map(({ name }) => name)).toEqual(['lodge', 'cabin'])
    expect(after.invites.filter(({ home }) => home !== 'cabin')).toEqual(
      document.invites.filter(({ home }) => home !== 'cabin'),
    )
    expect(after.invites.find(({ home }) => home === 'cabin')).toMatchObject({
      address: '10.86.0.4',
      use: { publicKey: homeNamed(after, 'cabin')?.publicKey, at: now.toISOString(), replaced: null },
    })
  })
})

describe('a home that comes back', () => {
  test('that lost its card has a new key, and its address', () => {
    const first = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
    const again = invited(first.document, 'cabin')
    const [after, { home }] = readable(join(again.document, request(again.secret), hubKey, context))
    expect(home).toMatchObject({ address: first.home.address, lan: ['192.168.1.0/24'] })
    expect(home.publicKey).not.toBe(first.home.publicKey)
    expect(after.homes).toEqual([home])
    expect(after.invites[0]?.use?.replaced).toEqual(first.home)
  })

  test('may come with the key that it had', () => {
    const first = joined(EMPTY_DOCUMENT, 'cabin')
    const again = invited(first.document, 'cabin')
    const { publicKey } = first.home
    const [, { home }] = join(again.document, request(again.secret, { publicKey }), hubKey, context)
    expect(home.publicKey).toBe(publicKey)
  })

  test('whose join could not prove its tunnel gets the token back, and the home it replaced', () => {
    const first = joined(EMPTY_DOCUMENT, 'cabin')
    const again = invited(first.document, 'cabin')
    const [taken, { home }] = join(again.document, request(again.secret), hubKey, context)
    const [after] = readable(leave(taken, home, { reopenInvite: true }))
    expect(homeNamed(after, 'cabin')).toEqual(first.home)
    expect(refusal(() => join(after, request(again.secret), hubKey, context))).not.toBe('token-used')
  })

  test('with another key of its router, since the first was undone, is still itself', () => {
    const lodge = joined(EMPTY_DOCUMENT, 'lodge')
    const { document, secret } = invited(lodge.document, 'cabin')
    const mine = request(secret)
    const [taken, { home }] = join(document, mine, hubKey, context)
    const another = { ...mine, publicKey: newKey() }
    const [same, previewed] = join(taken, { ...another, preview: true }, hubKey, context)
    expect(same).toBe(taken)
    expect(previewed).toEqual({ home: { ...home, publicKey: another.publicKey }, repeated: true })
    const [after, answer] = readable(join(taken, another, hubKey, context))
    expect(answer).toEqual(previewed)
    expect(after.homes).toEqual([lodge.home, answer.home])
    expect(after.invites.map(({ home, use }) => [home, use?.publicKey])).toEqual([
      ['lodge', lodge.home.publicKey],
      ['cabin', another.publicKey],
    ])
    // Known by the new one from now on.
    expect(join(after, another, hubKey, context)[1].repeated).toBe(true)
    for (const publicKey of [hubKey, lodge.home.publicKey])
      expect(refusal(() => join(taken, { ...mine, publicKey }, hubKey, context))).toBe('request-invalid')
  })

  test('and has changed its key by registering since, is not the one that the invitation made', () => {
    const { document, home, request: mine } = joined(EMPTY_DOCUMENT, 'cabin')
    const nextPublicKey = newKey()
    const rotation = { publicKey: home.publicKey, nextPublicKey, lan: [], mtu: null }
    const [rotated] = register(document, home, rotation, hubKey, context)
    expect(refusal(() => join(rotated, mine, hubKey, context))).toBe('token-used')
  })
})

describe('a key', () => {
  test('is no two machines’, and not the hub’s', () => {
    const first = joined(EMPTY_DOCUMENT, 'cabin')
    const phone = device('phone')
    const [peopled] = addDevice(first.document, null, phone, hubKey, context)
    const { document, secret } = invited(peopled, 'lodge')
    for (const publicKey of [first.home.publicKey, phone.publicKey, hubKey])
      expect(refusal(() => join(document, request(secret, { publicKey }), hubKey, context))).toBe('request-invalid')
  })
})

describe('the address', () => {
  test('is the one of the invitation, kept free for it', () => {
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin')
    const lodge = joined(document, 'lodge')
    expect(lodge.home.address).toBe('10.86.0.3')
    expect(join(lodge.document, request(secret), hubKey, context)[1].home.address).toBe('10.86.0.2')
  })

  test('stays that one when a lower one is free by now', () => {
    const cabin = invited(EMPTY_DOCUMENT, 'cabin')
    const { document, secret } = invited(cabin.document, 'lodge')
    const [alone] = removeHome(document, 'cabin', now)
    expect(join(alone, request(secret), hubKey, context)[1].home.address).toBe('10.86.0.3')
  })

  test('that somebody got after the hub’s clock stepped is not given twice', () => {
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin')
    // Past the hour, its address is free; the clock was wrong, and the token is good again.
    const [taken] = invite(
      document,
      { home: 'lodge', lan: [], expiresInMs: DAY_AND_MORE },
      hashOf('x'),
      later(2 * HOUR),
    )
    expect(taken.invites.map(({ address }) => address)).toEqual(['10.86.0.2', '10.86.0.2'])
    const [after, { home }] = join(taken, request(secret), hubKey, context)
    expect(home.address).toBe('10.86.0.3')
    expect(after.invites.map(({ address }) => address)).toEqual(['10.86.0.3', '10.86.0.2'])
  })
})

const DAY_AND_MORE = 25 * HOUR
