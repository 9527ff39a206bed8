import { describe, expect, test } from 'vitest'
import { addDevice } from '../../../hub/core/devices.ts'
import { give } from '../../../hub/core/given.ts'
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

  test('may say another part of it later', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin', ['198.51.100.0/25'])
    const [parted, { home: first }] = register(
      document,
      home,
      { ...unchanged(home), lan: ['198.51.100.0/26'] },
      hubKey,
      context,
    )
    const other = ['198.51.100.64/26']
    expect(register(parted, first, { ...unchanged(first), lan: other }, hubKey, context)[1]).toMatchObject({
      home: { lan: other },
      waiting: [],
    })
  })

  test('keeps what it has beside a new network, though nobody granted it and the hub asks a name server there', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin')
    const [free] = give(document, 'cabin', { may: '+lan', quota: null }, context.now)
    const [after, { home: known }] = register(
      free,
      free.homes[0]!,
      { ...unchanged(home), lan: ['192.168.1.0/24'] },
      hubKey,
      context,
    )
    const own = [{ prefix: '192.168.1.2/32', by: 'a name server of the hub', unlessGranted: true as const }]
    const lan = ['192.168.1.0/24', '192.168.2.0/24']
    const more = { ...unchanged(known), lan }
    expect(register(after, known, more, hubKey, { ...context, own })[1].home.lan).toEqual(lan)
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

describe('a wish beyond the home’s rights', () => {
  const { document, home } = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24', '192.168.2.0/24'])
  const wish = (...lan: string[]) => register(document, home, { ...unchanged(home), lan }, hubKey, context)

  test('waits, and takes the home nothing that it has until its owner has spoken', () => {
    expect(wish('192.168.9.0/24')).toEqual([document, { home, waiting: ['192.168.9.0/24'] }])
  })

  test('does not hold what is allowed beside it', () => {
    const [, { home: after, waiting }] = readable(wish('192.168.1.0/24', '192.168.9.0/24'))
    expect([after.lan, waiting]).toEqual([['192.168.1.0/24'], ['192.168.9.0/24']])
  })

  test('is none where a home no longer has a LAN, nor where it has the same again', () => {
    const [none, { home: bare, waiting }] = readable(wish())
    expect([bare.lan, waiting]).toEqual([[], []])
    const back = { ...unchanged(bare), lan: [...home.lan] }
    expect(register(none, bare, back, hubKey, context)[1]).toEqual({ home, waiting: [] })
  })

  test('is none of a home from before there were rights, for the LAN that it had then', () => {
    const { granted: _, ...old } = home
    const before = { ...document, homes: [old] }
    expect(register(before, old, unchanged(old), hubKey, context)).toEqual([before, { home: old, waiting: [] }])
    const [none, { home: bare, waiting }] = readable(
      register(before, old, { ...unchanged(old), lan: [] }, hubKey, context),
    )
    expect([bare.lan, waiting]).toEqual([[], []])
    const back = { ...unchanged(bare), lan: [...old.lan] }
    expect(register(none, bare, back, hubKey, context)[1]).toEqual({ home, waiting: [] })
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
    // The one that it has is no other.
    expect(register(document, home, { ...unchanged(home), nextSecretHash: home.secretHash }, hubKey, context)[0]).toBe(
      document,
    )
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
      [{ ...calm, follows: true }, { follows: true }],
      [{ ...calm, triesKeep: true }, { triesKeep: true }],
      [{ ...calm, trusts: 'a'.repeat(64) }, { trusts: 'a'.repeat(64) }],
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

  test('has the time of the change, not of what the home says afterwards', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin')
    const say = unchanged(home)
    const nextPublicKey = newKey()
    const rotatedAt = later(HOUR).now.toISOString()
    const [rotated, { home: after }] = readable(
      register(document, home, { ...say, nextPublicKey }, hubKey, later(HOUR)),
    )
    expect(after.rotatedAt).toBe(rotatedAt)
    // Interrupted, it says both keys still.
    const again = { ...say, nextPublicKey, mtu: 1280 }
    expect(register(rotated, after, again, hubKey, later(2 * HOUR))[1].home).toMatchObject({ mtu: 1280, rotatedAt })
    expect(register(rotated, after, say, hubKey, later(2 * HOUR))[1].home.rotatedAt).toBe(rotatedAt)
    // A home that rotated nothing has no such time.
    expect(register(document, home, { ...say, mtu: 1280 }, hubKey, later(HOUR))[1].home.rotatedAt).toBeUndefined()
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
