import { describe, expect, test } from 'vitest'
import { type Actor, entriesOf } from '../../../hub/audit/entries.ts'
import { addDevice, removeDevice, rotateDevice } from '../../../hub/core/devices.ts'
import { give, grantLan } from '../../../hub/core/given.ts'
import { addPublication, removePublication } from '../../../hub/core/publications.ts'
import { register } from '../../../hub/core/registration.ts'
import { removeHome } from '../../../hub/core/removal.ts'
import { EMPTY_DOCUMENT, type StoreDocument } from '../../../hub/core/store-document.ts'
import { context, device, hubKey, invited, joined, newKey, unchanged } from '../core/some.ts'

const { document, home } = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
/** As `by: act what`. */
const said = (before: StoreDocument, after: StoreDocument, by: Actor = 'home'): readonly string[] =>
  entriesOf(before, after, by).map((one) => `${one.by} ${one.home ?? '-'}: ${one.act} ${one.what}`)

describe('what is noted of a change', () => {
  test('is nothing where nothing changed', () => {
    expect(said(document, document)).toEqual([])
    const [calm] = register(document, home, { ...unchanged(home), mtu: 1_280 }, hubKey, context)
    expect(said(document, calm)).toEqual([])
  })

  test('is an invitation with its rights, and a join with its LAN', () => {
    const open = invited(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
    expect(said(EMPTY_DOCUMENT, open.document, 'hub')).toEqual([
      'hub cabin: invited may devices, publish; LAN 192.168.1.0/24',
    ])
    expect(said({ ...document, homes: [] }, document)).toEqual(['home cabin: joined with 192.168.1.0/24'])
    const again = joined(document, 'cabin', ['192.168.1.0/24'])
    expect(said({ ...again.document, homes: document.homes }, again.document)).toEqual([
      'home cabin: joined with 192.168.1.0/24',
    ])
  })

  test('is another key, another LAN, and the way out', () => {
    const free = give(document, 'cabin', { may: '+lan', quota: null }, context.now)[0]
    const says = { ...unchanged(home), publicKey: newKey(), lan: [], exit: true }
    expect(said(free, register(free, home, says, hubKey, context)[0])).toEqual([
      'home cabin: key has another WireGuard key',
      'home cabin: lan 192.168.1.0/24 is now none',
      'home cabin: exit lets devices to the internet',
    ])
  })

  test('is what its owner gives', () => {
    const given = give(document, 'cabin', { may: 'exit', quota: 'devices=3' }, context.now)[0]
    expect(said(document, given, 'hub')).toEqual(['hub cabin: rights may exit; announces 192.168.1.0/24, devices 3'])
    expect(said(document, grantLan(document, 'cabin', ['10.9.9.0/24'], context)[0], 'hub')).toEqual([
      'hub cabin: lan 192.168.1.0/24 is now 10.9.9.0/24',
      'hub cabin: rights may devices, publish; announces 10.9.9.0/24, 192.168.1.0/24',
    ])
  })

  test('is a device and a port, by whom and how, and no key of them', () => {
    const phone = device('phone', { full: true, expiresInMs: 60_000 })
    const [with1] = addDevice(document, null, phone, hubKey, context)
    expect(said(document, with1, 'hub')).toEqual([
      'hub -: device-added phone (10.86.0.3), everything by this hub, until 2026-11-23T10:01:00.000Z',
    ])
    expect(JSON.stringify(entriesOf(document, with1, 'hub'))).not.toContain(phone.presharedKey)
    const keys = { ...device('phone'), preview: false }
    const [rotated] = rotateDevice(with1, null, keys, hubKey, context)
    expect(said(with1, rotated, 'hub')).toEqual([
      'hub -: device-rotated phone (10.86.0.3), everything by this hub, until 2026-11-23T10:01:00.000Z',
    ])
    // Another one that took the name has a place of its own.
    const [other] = addDevice(document, home, device('phone'), hubKey, context)
    expect(said(with1, other, 'hub')).toEqual(['hub cabin: device-added phone (10.86.0.3)'])
    const [without] = removeDevice(with1, null, 'phone')
    expect(said(with1, without, 'hub')).toEqual([
      'hub -: device-removed phone (10.86.0.3), everything by this hub, until 2026-11-23T10:01:00.000Z',
    ])
    const port = { protocol: 'tcp', port: 8_080, lastPort: 8_080, address: '192.168.1.20', targetPort: 80 } as const
    const [led] = addPublication(document, home, { ...port, source: 'hide' }, () => null, context.now)
    expect(said(document, led)).toEqual(['home cabin: published 8080/tcp to 192.168.1.20:80, visitors hidden'])
    expect(said(led, removePublication(led, home, port)[0])).toEqual([
      'home cabin: withdrawn 8080/tcp to 192.168.1.20:80, visitors hidden',
    ])
    expect(said(led, removeHome(led, 'cabin', context.now)[0], 'hub')).toEqual([
      'hub cabin: left and is no home any more',
      'hub cabin: withdrawn 8080/tcp to 192.168.1.20:80, visitors hidden',
    ])
  })
})
