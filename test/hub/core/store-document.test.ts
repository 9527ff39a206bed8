import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { addDevice } from '../../../hub/core/devices.ts'
import { register } from '../../../hub/core/registration.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import {
  EMPTY_DOCUMENT,
  homeNamed,
  isOpen,
  stillHome,
  type StoreDocument,
  StoreDocumentSchema,
  takenAddresses,
} from '../../../hub/core/store-document.ts'
import type { Publication } from '../../../protocol/publications.ts'
import { context, device, HOUR, hubKey, invited, joined, later, newKey, now, refusal } from './some.ts'

const read = (document: unknown): unknown => {
  const result = v.safeParse(StoreDocumentSchema, JSON.parse(JSON.stringify(document)))
  return result.success ? 'read' : result.issues[0].message
}

const cabin = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
const [peopled, phone] = addDevice(cabin.document, cabin.home, device('phone'), hubKey, context)
const publication: Publication = {
  protocol: 'tcp',
  port: 100,
  lastPort: 200,
  address: '192.168.1.20',
  targetPort: 100,
  source: 'hide',
  home: 'cabin',
  addedAt: now.toISOString(),
}
const range = (port: number, lastPort: number, more: Partial<Publication> = {}) => ({
  ...publication,
  port,
  lastPort,
  ...more,
})

describe('a file of the hub', () => {
  test('is read as it was written', () => {
    expect(v.parse(StoreDocumentSchema, JSON.parse(JSON.stringify(peopled)))).toEqual(peopled)
    expect(read(EMPTY_DOCUMENT)).toBe('read')
  })

  test('of before there were publications is one without', () => {
    const { publications: _, ...old } = peopled
    expect(v.parse(StoreDocumentSchema, old)).toEqual({ ...peopled, publications: [] })
  })

  test('with fields of a newer version is read, and every one of them is written back as it was', () => {
    const more = { may: ['publish'], quota: { devices: 3 } }
    const newer = {
      ...peopled,
      ...more,
      homes: [{ ...cabin.home, ...more }],
      invites: peopled.invites.map((invite) => ({ ...invite, ...more })),
      devices: [{ ...phone, ...more }],
      publications: [{ ...publication, ...more }],
    }
    const known = v.parse(StoreDocumentSchema, JSON.parse(JSON.stringify(newer)))
    expect(known).toEqual(newer)
    const request = { publicKey: cabin.home.publicKey, lan: ['192.168.1.0/24'], mtu: 1_280 }
    const [changed] = register(known, known.homes[0] ?? cabin.home, request, hubKey, context)
    expect(JSON.parse(JSON.stringify(changed))).toEqual({ ...newer, homes: [{ ...cabin.home, ...more, mtu: 1_280 }] })
  })

  test('of another schema is refused', () => {
    expect(read({ ...peopled, schema: 2 })).not.toBe('read')
    expect(read({ ...peopled, schema: 0 })).not.toBe('read')
  })

  test('with what is not one of its values is refused', () => {
    const home = (more: object): unknown => read({ ...peopled, homes: [{ ...cabin.home, ...more }] })
    expect(home({})).toBe('read')
    expect(home({ exit: true, mtu: 1280, keeps: ['192.168.1.0/24'] })).toBe('read')
    expect(home({ exit: false })).not.toBe('read')
    expect(home({ joinedAt: 'yesterday' })).not.toBe('read')
    const one = (more: object): unknown => read({ ...peopled, devices: [{ ...phone, ...more }] })
    expect(one({ full: true, exit: 'cabin', homes: ['cabin'], expiresAt: now.toISOString() })).toBe('read')
    expect(one({ full: false })).not.toBe('read')
    expect(one({ presharedKey: 'short' })).toBe('expected a WireGuard key')
  })

  test('in which two have what only one can have is refused', () => {
    const { home } = cabin
    const other = { ...home, name: 'lodge', address: '10.86.0.9', publicKey: newKey() }
    const homes = (more: object): unknown => read({ ...peopled, homes: [home, { ...other, ...more }] })
    expect(homes({})).toBe('read')
    expect(homes({ name: 'cabin' })).toBe('two homes have the same name')
    expect(homes({ address: home.address })).toBe('two peers have the same address')
    expect(homes({ publicKey: home.publicKey })).toBe('two peers have the same public key')
    const tablet = { ...phone, name: 'tablet', address: '10.86.0.9', publicKey: newKey() }
    const devices = (more: object): unknown => read({ ...peopled, devices: [phone, { ...tablet, ...more }] })
    expect(devices({})).toBe('read')
    expect(devices({ name: 'phone' })).toBe('two devices have the same name')
    expect(devices({ address: home.address })).toBe('two peers have the same address')
    expect(devices({ publicKey: home.publicKey })).toBe('two peers have the same public key')
    expect(devices({ address: phone.address })).toBe('two peers have the same address')
  })

  test('in which a port leads to two places is refused, TCP and UDP each for itself', () => {
    const publications = (...all: readonly Publication[]): unknown => read({ ...peopled, publications: all })
    expect(publications(range(201, 300), range(100, 200))).toBe('read')
    expect(publications(range(100, 200), range(100, 200, { protocol: 'udp' }))).toBe('read')
    expect(publications(range(1, 1), range(1, 1, { protocol: 'udp' }))).toBe('read')
    for (const second of [range(200, 300), range(50, 100), range(120, 130), range(1, 65_535)])
      expect(publications(range(100, 200), second)).toBe('two publications have the same port')
    const udp = { protocol: 'udp' } as const
    expect(publications(range(100, 200, udp), range(150, 300), range(200, 300, udp))).toBe(
      'two publications have the same port',
    )
  })
})

describe('a home', () => {
  test('is found by its whole name', () => {
    expect(homeNamed(peopled, 'cabin')).toBe(cabin.home)
    for (const name of ['', 'cab', 'cabin2', 'phone']) expect(homeNamed(peopled, name)).toBeNull()
  })

  test('that asked is still itself while its secret is the same', () => {
    expect(stillHome(peopled, { ...cabin.home, lan: [] }, 'asking')).toBe(cabin.home)
    for (const other of [{ secretHash: hashOf('another') }, { name: 'lodge' }])
      expect(refusal(() => stillHome(peopled, { ...cabin.home, ...other }, 'asking'))).toBe('home-unknown')
  })
})

test('an address is taken by homes, devices and who may still come', () => {
  const { document } = invited(peopled, 'lodge')
  const taken = (of: StoreDocument, at = now) => [...takenAddresses(of, at)].sort()
  expect(taken(document)).toEqual(['10.86.0.2', '10.86.0.3', '10.86.0.4'])
  expect(taken(document, later(HOUR).now)).toEqual(['10.86.0.2', '10.86.0.3'])
})

test('an invitation is open until it is used or its time is over', () => {
  const [invite] = invited(EMPTY_DOCUMENT, 'cabin').document.invites
  const [used] = cabin.document.invites
  if (invite === undefined || used === undefined) throw new TypeError('nobody was invited')
  expect([isOpen(invite, later(HOUR - 1).now), isOpen(invite, later(HOUR).now), isOpen(used, now)]).toEqual([
    true,
    false,
    false,
  ])
})
