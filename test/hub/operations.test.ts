import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { addDevice, removeDevice, visibleDevices } from '../../hub/core/devices.ts'
import { type Circumstances, invite } from '../../hub/core/invitation.ts'
import { join } from '../../hub/core/joining.ts'
import { register } from '../../hub/core/registration.ts'
import { leave, removeHome } from '../../hub/core/removal.ts'
import { hashOf } from '../../hub/core/secret.ts'
import {
  type Change,
  EMPTY_DOCUMENT,
  type Home,
  homeNamed,
  type StoreDocument,
  StoreDocumentSchema,
} from '../../hub/core/store-document.ts'
import type { JoinRequest } from '../../protocol/messages.ts'
import { presharedKeyFrom, privateKeyFrom, type PublicKey } from '../../wireguard/keys.ts'
import { publicKeyOf } from '../../wireguard/public-key.ts'

const HOUR = 3_600_000
const now = new Date('2026-11-23T10:00:00Z')
const later = (ms: number): Circumstances => ({ ...circumstances, now: new Date(now.getTime() + ms) })
const circumstances: Circumstances = {
  network: '10.86.0.0/16',
  own: [{ prefix: '203.0.113.0/24', by: 'the hub’s own network at eth0' }],
  now,
}
const newKey = (): PublicKey => publicKeyOf(privateKeyFrom(randomBytes(32)))
const newSecret = (): string => randomBytes(32).toString('base64url')
const hubKey = newKey()

function invited(document: StoreDocument, home: string, lan: readonly string[] = []) {
  const secret = newSecret()
  const [after] = invite(document, { home, lan, expiresInMs: HOUR }, hashOf(secret), circumstances)
  return { document: after, secret }
}

const request = (joinSecret: string, more: Partial<JoinRequest> = {}): JoinRequest => ({
  version: 1,
  joinSecret,
  publicKey: newKey(),
  homeSecret: newSecret(),
  lan: [],
  preview: false,
  ...more,
})

function joined(document: StoreDocument, name: string, lan: readonly string[] = []) {
  const { document: open, secret } = invited(document, name, lan)
  const [after, { home }] = join(open, request(secret), hubKey, circumstances)
  return { document: after, home }
}

/** Later than the change itself: what was written must be readable. */
function readable<Result>([document, result]: Change<Result>): Change<Result> {
  v.parse(StoreDocumentSchema, JSON.parse(JSON.stringify(document)))
  return [document, result]
}

const refusal = (act: () => unknown): unknown => {
  try {
    return act()
  } catch (thrown) {
    return (thrown as { code?: string }).code
  }
}

describe('joining', () => {
  test('makes a home once; the same home asking again gets the same answer, another one does not', () => {
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
    const mine = request(secret)
    const [after, first] = readable(join(document, mine, hubKey, circumstances))
    expect(first.home).toMatchObject({ name: 'cabin', address: '10.86.0.2', lan: ['192.168.1.0/24'] })
    const [again, second] = join(after, mine, hubKey, circumstances)
    expect(second).toEqual({ home: first.home, repeated: true })
    expect(again).toBe(after)
    expect(refusal(() => join(after, request(secret), hubKey, circumstances))).toBe('token-used')
    expect(refusal(() => join(after, { ...mine, homeSecret: newSecret() }, hubKey, circumstances))).toBe('token-used')
  })

  test('a preview answers the same and changes nothing', () => {
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin')
    const [after, { home }] = join(document, request(secret, { preview: true }), hubKey, circumstances)
    expect(after).toBe(document)
    expect(home.address).toBe('10.86.0.2')
  })

  test('an expired, an unknown and a replaced token are refused by name', () => {
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin')
    expect(refusal(() => join(document, request(secret), hubKey, later(HOUR)))).toBe('token-expired')
    expect(refusal(() => join(document, request(newSecret()), hubKey, circumstances))).toBe('token-unknown')
    const newer = invited(document, 'cabin')
    expect(refusal(() => join(newer.document, request(secret), hubKey, circumstances))).toBe('token-unknown')
  })

  test('the store holds no secret that opens anything', () => {
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin')
    const mine = request(secret)
    const text = JSON.stringify(join(document, mine, hubKey, circumstances)[0])
    expect(text).not.toContain(secret)
    expect(text).not.toContain(mine.homeSecret)
  })

  test('a home that lost its card comes back with a new key, at its address', () => {
    const first = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
    const again = invited(first.document, 'cabin')
    const [after, { home }] = readable(join(again.document, request(again.secret), hubKey, circumstances))
    expect(home).toMatchObject({ address: first.home.address, lan: ['192.168.1.0/24'] })
    expect(home.publicKey).not.toBe(first.home.publicKey)
    expect(after.homes).toHaveLength(1)
  })

  test('a join that could not prove its tunnel gives the token back, and the home it replaced', () => {
    const first = joined(EMPTY_DOCUMENT, 'cabin')
    const again = invited(first.document, 'cabin')
    const [taken, { home }] = join(again.document, request(again.secret), hubKey, circumstances)
    const [after] = readable(leave(taken, home, { reopenInvite: true }))
    expect(homeNamed(after, 'cabin')).toEqual(first.home)
    expect(refusal(() => join(after, request(again.secret), hubKey, circumstances))).not.toBe('token-used')
  })

  test('two machines never share a key, nor one the hub’s', () => {
    const first = joined(EMPTY_DOCUMENT, 'cabin')
    const { document, secret } = invited(first.document, 'lodge')
    for (const publicKey of [first.home.publicKey, hubKey])
      expect(refusal(() => join(document, request(secret, { publicKey }), hubKey, circumstances))).toBe(
        'request-invalid',
      )
  })
})

describe('a LAN', () => {
  test.each([
    ['the tunnel’s own network', '10.86.3.0/24', 'lan-overlaps'],
    ['the hub’s own network', '203.0.113.0/25', 'lan-overlaps'],
    ['another home’s', '192.168.1.128/25', 'lan-overlaps'],
    ['the internet', '8.8.8.0/24', 'prefix-invalid'],
    ['everything private', '10.0.0.0/8', 'lan-overlaps'],
    ['multicast', '224.0.0.0/4', 'prefix-invalid'],
  ])('that is %s is refused when a home says it', (_what, prefix, code) => {
    const { document } = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
    const other = invited(document, 'lodge')
    expect(refusal(() => join(other.document, request(other.secret, { lan: [prefix] }), hubKey, circumstances))).toBe(
      code,
    )
    const { document: both, home } = joined(document, 'barn', ['192.168.7.0/24'])
    const change = { publicKey: home.publicKey, lan: [prefix], mtu: null }
    expect(refusal(() => register(both, home, change, hubKey, circumstances))).toBe(code)
  })

  test('the hub’s owner may grant a public one, which the home may then keep; nobody may have loopback or multicast', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin', ['198.51.100.0/25'])
    const half = { publicKey: home.publicKey, lan: ['198.51.100.0/26'], mtu: null }
    expect(register(document, home, half, hubKey, circumstances)[1].lan).toEqual(half.lan)
    for (const prefix of ['127.0.0.0/8', '224.0.0.0/4', '169.254.0.0/16', '0.0.0.0/8'])
      expect(refusal(() => invited(EMPTY_DOCUMENT, 'cabin', [prefix]))).toBe('prefix-invalid')
  })

  test('a home that was joined anew while it asked is not taken for the old one', () => {
    const first = joined(EMPTY_DOCUMENT, 'cabin')
    const again = joined(first.document, 'cabin')
    const change = { publicKey: newKey(), lan: [], mtu: null }
    expect(refusal(() => register(again.document, first.home, change, hubKey, circumstances))).toBe('home-unknown')
    expect(refusal(() => leave(again.document, first.home, { reopenInvite: false }))).toBe('home-unknown')
  })

  test('a registration that says what is known writes nothing; another LAN is taken', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
    const same = { publicKey: home.publicKey, lan: ['192.168.1.0/24'], mtu: null }
    expect(register(document, home, same, hubKey, circumstances)[0]).toBe(document)
    const [after] = readable(register(document, home, { ...same, lan: ['192.168.9.0/24'] }, hubKey, circumstances))
    expect(homeNamed(after, 'cabin')?.lan).toEqual(['192.168.9.0/24'])
  })

  test('what a home’s line bears is remembered once, and forgotten when it bears all again', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin')
    const less = { publicKey: home.publicKey, lan: [], mtu: 1280 }
    const [after, lowered] = readable(register(document, home, less, hubKey, circumstances))
    expect(lowered.mtu).toBe(1280)
    expect(register(after, lowered, less, hubKey, circumstances)[0]).toBe(after)
    const [again] = readable(register(after, lowered, { ...less, mtu: null }, hubKey, circumstances))
    // Not even its name: an older hub would refuse the file for it.
    expect(again).toEqual(document)
  })

  test('the next key of a rotation is taken, and the old one too when the rotation was cut off', () => {
    const { document, home } = joined(EMPTY_DOCUMENT, 'cabin')
    const say = { publicKey: home.publicKey, lan: [], mtu: null }
    const nextPublicKey = newKey()
    const [rotated, after] = readable(register(document, home, { ...say, nextPublicKey }, hubKey, circumstances))
    expect(after.publicKey).toBe(nextPublicKey)
    expect(register(rotated, after, { ...say, nextPublicKey }, hubKey, circumstances)[0]).toBe(rotated)
    expect(register(rotated, after, say, hubKey, circumstances)[1].publicKey).toBe(home.publicKey)
  })

  test('the next key of a rotation may be nobody else’s', () => {
    const lodge = joined(EMPTY_DOCUMENT, 'lodge')
    const { document, home } = joined(lodge.document, 'cabin')
    for (const nextPublicKey of [lodge.home.publicKey, hubKey]) {
      const say = { publicKey: home.publicKey, lan: [], mtu: null, nextPublicKey }
      expect(refusal(() => register(document, home, say, hubKey, circumstances))).toBe('request-invalid')
    }
  })
})

describe('devices', () => {
  const device = (name: string) => ({ name, publicKey: newKey(), presharedKey: presharedKeyFrom(randomBytes(32)) })

  test('one is added once, is seen by whom it concerns, and goes with its home', () => {
    const cabin = joined(EMPTY_DOCUMENT, 'cabin')
    const lodge = joined(cabin.document, 'lodge')
    const phone = device('phone')
    const [after, added] = readable(addDevice(lodge.document, cabin.home, phone, hubKey, circumstances))
    expect(added.address).toBe('10.86.0.4')
    expect(addDevice(after, cabin.home, phone, hubKey, circumstances)[0]).toBe(after)
    expect(refusal(() => addDevice(after, lodge.home, device('phone'), hubKey, circumstances))).toBe('device-exists')
    expect(visibleDevices(after, lodge.home)).toEqual([])
    expect(visibleDevices(after, null)).toEqual([added])
    expect(refusal(() => removeDevice(after, lodge.home, 'phone'))).toBe('device-missing')
    expect(removeHome(after, 'cabin', now)[0].devices).toEqual([])
    expect(removeDevice(after, null, 'phone')[0].devices).toEqual([])
  })

  test.each(['', '../x', 'a b', '$(reboot)', 'x'.repeat(33), 'Phone', '-x', 'x;y'])(
    'the name %j is refused',
    (name) => {
      expect(refusal(() => addDevice(EMPTY_DOCUMENT, null, device(name), hubKey, circumstances))).toBe(
        'device-name-invalid',
      )
      const input = { home: name, lan: [], expiresInMs: HOUR }
      expect(refusal(() => invite(EMPTY_DOCUMENT, input, hashOf('x'), circumstances))).toBe('home-name-invalid')
    },
  )
})

test('whatever is done in whatever order, the document can be read again and nobody shares anything', () => {
  const names = ['cabin', 'lodge', 'barn']
  const step = fc.record({ what: fc.nat(5), name: fc.constantFrom(...names), lan: fc.nat(3) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      let document: StoreDocument = EMPTY_DOCUMENT
      const secrets = new Map<string, string>()
      const anyHome = (name: string): Home | null => homeNamed(document, name)
      for (const { what, name, lan } of steps) {
        const prefix = [`192.168.${lan}.0/24`]
        refusal(() => {
          const home = anyHome(name)
          if (what === 0) {
            const secret = newSecret()
            document = invite(
              document,
              { home: name, lan: prefix, expiresInMs: HOUR },
              hashOf(secret),
              circumstances,
            )[0]
            secrets.set(name, secret)
          } else if (what === 1) document = join(document, request(secrets.get(name) ?? ''), hubKey, circumstances)[0]
          else if (what === 2) document = removeHome(document, name, now)[0]
          else if (what === 3 && home !== null) document = leave(document, home, { reopenInvite: lan > 1 })[0]
          else if (what === 4 && home !== null)
            document = register(
              document,
              home,
              { publicKey: newKey(), lan: prefix, mtu: lan > 1 ? 1280 : null },
              hubKey,
              circumstances,
            )[0]
          else if (what === 5)
            document = addDevice(
              document,
              home,
              { name: `phone-${lan}`, publicKey: newKey(), presharedKey: presharedKeyFrom(randomBytes(32)) },
              hubKey,
              circumstances,
            )[0]
        })
        v.parse(StoreDocumentSchema, JSON.parse(JSON.stringify(document)))
        const lans = document.homes.flatMap((one) => one.lan)
        expect(new Set(lans).size).toBe(lans.length)
      }
    }),
    { numRuns: 60 },
  )
})
