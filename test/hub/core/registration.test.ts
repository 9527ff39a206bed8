import { describe, expect, test } from 'vitest'
import { addDevice } from '../../../hub/core/devices.ts'
import { register } from '../../../hub/core/registration.ts'
import { leave } from '../../../hub/core/removal.ts'
import { sealHome } from '../../../hub/core/sealing.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import { EMPTY_DOCUMENT, type Home, homeNamed, type StoreDocument } from '../../../hub/core/store-document.ts'
import { context, device, HOUR, hubKey, joined, later, newKey, readable, refusal, unchanged } from './some.ts'

describe('a registration', () => {
  test('that says what is known writes nothing; another LAN is taken', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
    const same = unchanged(home)
    expect(register(document, home, same, hubKey, context)).toEqual([document, { home, waiting: [] }])
    expect(register(document, home, same, hubKey, context)[0]).toBe(document)
    expect(register(document, home, { ...same, keeps: [], exit: false }, hubKey, context)[0]).toBe(document)
    const lan = ['192.168.9.0/24', '192.168.8.0/24']
    const free = { ...document, homes: document.homes.map((one) => ({ ...one, may: ['lan' as const] })) }
    const [after] = readable(register(free, home, { ...same, lan }, hubKey, context))
    expect(homeNamed(after, 'cabin')?.lan).toEqual(['192.168.8.0/24', '192.168.9.0/24'])
  })

  test.each([
    ['the tunnel’s own network', '10.86.3.0/24', 'lan-overlaps'],
    ['the hub’s own network', '203.0.113.0/25', 'lan-overlaps'],
    ['another home’s', '192.168.1.128/25', 'lan-overlaps'],
    ['the internet', '8.8.8.0/24', 'prefix-invalid'],
    ['everything private', '10.0.0.0/8', 'lan-overlaps'],
    ['multicast', '224.0.0.0/4', 'prefix-invalid'],
  ])('with a LAN that is %s is refused', (_what, prefix, code) => {
    const { document } = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
    const { document: both, home } = joined(document, 'barn', ['192.168.7.0/24'])
    expect(refusal(() => register(both, home, { ...unchanged(home), lan: [prefix] }, hubKey, context))).toBe(code)
  })

  test('keeps a LAN that it has, though the hub’s own network lies there by now', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
    const moved = { ...context, own: [{ prefix: '192.168.1.0/24', by: 'the hub’s own network at eth1' }] }
    const [after] = register(document, home, { ...unchanged(home), mtu: 1280 }, hubKey, moved)
    expect(homeNamed(after, 'cabin')).toMatchObject({ lan: home.lan, mtu: 1280 })
  })

  test('says whether it can send by the hub; one of an older version does not', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
    const said = (outgoing: [] | null) =>
      readable(register(document, home, { ...unchanged(home), outgoing }, hubKey, context))
    expect([said([])[1].home.outgoing, said(null)[1].home.outgoing, home.outgoing]).toEqual([true, false, undefined])
    const [able, { home: known }] = said([])
    expect(register(able, known, { ...unchanged(known), outgoing: [] }, hubKey, context)[0]).toBe(able)
    expect(register(able, known, unchanged(known), hubKey, context)[1].home).toEqual(home)
  })

  test('may say a part of what the owner granted once', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin', ['198.51.100.0/25'])
    const half = { ...unchanged(home), lan: ['198.51.100.0/26'] }
    expect(register(document, home, half, hubKey, context)[1].home.lan).toEqual(half.lan)
  })

  test('changes the home that registers, and no other', () => {
    const lodge = joined(EMPTY_DOCUMENT, 'lodge')
    const { document, home } = joined(lodge.document, 'cabin')
    const [after] = register(document, home, { ...unchanged(home), mtu: 1280 }, hubKey, context)
    expect(after.homes).toEqual([lodge.home, { ...home, mtu: 1280 }])
  })

  test('of a home that was joined anew while it asked is not taken for the old one', () => {
    const first = joined(EMPTY_DOCUMENT, 'cabin')
    const again = joined(first.document, 'cabin')
    const change = { publicKey: newKey(), lan: [], mtu: null }
    expect(refusal(() => register(again.document, first.home, change, hubKey, context))).toBe('home-unknown')
    expect(refusal(() => leave(again.document, first.home, { reopenInvite: false }))).toBe('home-unknown')
  })
})

describe('another secret', () => {
  const tell = (document: StoreDocument, caller: Home, next?: string) =>
    readable(
      register(document, caller, { ...unchanged(caller), nextSecretHash: next && hashOf(next) }, hubKey, later(HOUR)),
    )
  const comes = (home: Home, secret: string): Home => ({ ...home, secretHash: hashOf(secret) })

  test('counts beside the one that the home has, until the home comes by it', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin')
    const [told, { home: waiting }] = tell(document, home, 'next')
    expect(waiting).toEqual({ ...home, nextSecretHash: hashOf('next') })
    // A home that was cut off before it wrote the next one down comes by the old one, and may tell another.
    expect(tell(told, home)[0]).toEqual(told)
    expect(tell(told, home, 'next')[0]).toBe(told)
    expect(tell(told, home, 'other')[1].home.nextSecretHash).toBe(hashOf('other'))
    const [after, { home: known }] = tell(told, comes(waiting, 'next'))
    expect(known).toEqual({ ...home, secretHash: hashOf('next'), secretAt: later(HOUR).now.toISOString() })
    expect(refusal(() => tell(after, home))).toBe('home-unknown')
    expect(tell(after, known)[0]).toBe(after)
  })

  test('that was told is worth nothing once the owner took both away', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin')
    const [told] = tell(document, home, 'next')
    const [sealed] = readable(sealHome(told, 'cabin', { publicKey: newKey(), secretHash: hashOf('nobody’s') }))
    for (const caller of [home, comes(home, 'next')]) expect(refusal(() => tell(sealed, caller))).toBe('home-unknown')
  })
})

describe('what a home says of itself', () => {
  test('is remembered once, and forgotten when it no longer says it', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin')
    const calm = unchanged(home)
    const said: readonly (readonly [Parameters<typeof register>[2], Partial<Home>])[] = [
      [{ ...calm, mtu: 1280 }, { mtu: 1280 }],
      [{ ...calm, exit: true }, { exit: true }],
      [{ ...calm, keeps: ['192.168.2.0/24', '192.168.1.0/24'] }, { keeps: ['192.168.1.0/24', '192.168.2.0/24'] }],
    ]
    for (const [says, kept] of said) {
      const [after, { home: changed }] = readable(register(document, home, says, hubKey, context))
      expect(changed).toEqual({ ...home, ...kept })
      expect(register(after, changed, says, hubKey, context)[0]).toBe(after)
      // Not even its name: an older hub would refuse the file for it.
      expect(register(after, changed, calm, hubKey, context)[0]).toEqual(document)
      expect(Object.keys(register(after, changed, calm, hubKey, context)[1].home)).toEqual(Object.keys(home))
    }
  })
})

describe('a rotation', () => {
  test('is taken with the next key, and the old one too when it was cut off', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin')
    const say = unchanged(home)
    const nextPublicKey = newKey()
    const [rotated, { home: after }] = readable(register(document, home, { ...say, nextPublicKey }, hubKey, context))
    expect(after.publicKey).toBe(nextPublicKey)
    expect(register(rotated, after, { ...say, nextPublicKey }, hubKey, context)[0]).toBe(rotated)
    expect(register(rotated, after, say, hubKey, context)[1].home.publicKey).toBe(home.publicKey)
  })

  test('takes nobody else’s key', () => {
    const lodge = joined(EMPTY_DOCUMENT, 'lodge')
    const phone = device('phone')
    const [peopled] = addDevice(lodge.document, null, phone, hubKey, context)
    const { document, home } = joined(peopled, 'cabin')
    for (const nextPublicKey of [lodge.home.publicKey, phone.publicKey, hubKey])
      expect(refusal(() => register(document, home, { ...unchanged(home), nextPublicKey }, hubKey, context))).toBe(
        'request-invalid',
      )
  })
})
