import { describe, expect, test } from 'vitest'
import {
  addDevice,
  type Principal,
  type DeviceInput,
  exitHome,
  inTime,
  isExpired,
  reachOf,
  removeDevice,
  rotateDevice,
  visibleDevices,
} from '../../../hub/core/devices.ts'
import { namesOldKey, neededFile, noteHeardDevices, noteHubKey } from '../../../hub/core/device-files.ts'
import { register } from '../../../hub/core/registration.ts'
import { removeHome } from '../../../hub/core/removal.ts'
import { EMPTY_DOCUMENT, type Home, type StoreDocument } from '../../../hub/core/store-document.ts'
import { RIGHTS } from '../../../hub/rights/rights.ts'
import {
  context,
  device,
  HOUR,
  hubKey,
  joined,
  later,
  newKey,
  now,
  readable,
  reasonOf,
  refusal,
  unchanged,
} from './some.ts'

const first = joined(EMPTY_DOCUMENT, 'cabin')
const second = joined(first.document, 'lodge')
const [cabin, lodge, two] = [first.home, second.home, second.document]
const add = (document: StoreDocument, principal: Principal, input: DeviceInput) =>
  readable(addDevice(document, principal, input, hubKey, context))

describe('a device', () => {
  test('is added once, is seen by whom it concerns, and goes with its home', () => {
    const phone = device('phone')
    const [after, added] = add(two, cabin, phone)
    expect(added).toEqual({ ...phone, address: '10.86.0.4', home: 'cabin', addedAt: now.toISOString() })
    expect(add(after, cabin, phone)).toEqual([after, added])
    expect(add(after, cabin, phone)[0]).toBe(after)
    expect(visibleDevices(after, cabin)).toEqual([added])
    expect(visibleDevices(after, lodge)).toEqual([])
    expect(visibleDevices(after, null)).toEqual([added])
    expect(removeHome(after, 'cabin', now)[0].devices).toEqual([])
  })

  test('of the hub’s owner is seen by every home', () => {
    const [after, added] = add(two, null, device('phone'))
    expect(added.home).toBeNull()
    expect(visibleDevices(after, cabin)).toEqual([added])
  })

  test('with the name of another is refused: of another home, of another key, of another preshared key', () => {
    const phone = device('phone')
    const [after] = add(two, cabin, phone)
    const another = device('phone')
    expect(refusal(() => add(after, lodge, phone))).toBe('device-exists')
    expect(refusal(() => add(after, null, phone))).toBe('device-exists')
    expect(refusal(() => add(after, cabin, { ...phone, publicKey: newKey() }))).toBe('device-exists')
    expect(refusal(() => add(after, cabin, { ...phone, presharedKey: another.presharedKey }))).toBe('device-exists')
    expect(add(after, cabin, device('tablet'))[0].devices).toHaveLength(2)
  })

  test('has nobody else’s key', () => {
    for (const publicKey of [hubKey, cabin.publicKey, lodge.publicKey])
      expect(refusal(() => add(two, cabin, device('phone', { publicKey })))).toBe('request-invalid')
  })

  test.each(['', '../x', 'a b', '$(reboot)', 'x'.repeat(33), 'Phone', '-x', 'x;y'])(
    'that is called %j is refused, and is not looked for',
    (name) => {
      expect(refusal(() => add(two, null, device(name)))).toBe('device-name-invalid')
      expect(refusal(() => removeDevice(two, null, name))).toBe('device-name-invalid')
    },
  )

  test('of a home that the hub no longer knows is refused', () => {
    const [gone] = removeHome(two, 'cabin', now)
    expect(refusal(() => add(gone, cabin, device('phone')))).toBe('home-unknown')
    expect(refusal(() => removeDevice(gone, cabin, 'phone'))).toBe('home-unknown')
  })

  test('is removed by the home that added it, or by the hub’s owner', () => {
    const [one] = add(two, cabin, device('phone'))
    const [after] = add(one, null, device('laptop'))
    expect(refusal(() => removeDevice(after, lodge, 'phone'))).toBe('device-missing')
    expect(refusal(() => removeDevice(after, cabin, 'laptop'))).toBe('device-missing')
    expect(refusal(() => removeDevice(after, null, 'tablet'))).toBe('device-missing')
    expect(reasonOf(() => removeDevice(after, lodge, 'phone')).why).toBe('the home lodge has no device phone')
    expect(reasonOf(() => removeDevice(after, null, 'tablet')).why).toBe('the hub has no device tablet')
    expect(removeDevice(after, cabin, 'phone')[0].devices.map(({ name }) => name)).toEqual(['laptop'])
    expect(removeDevice(after, null, 'phone')[1].name).toBe('phone')
    expect(removeDevice(after, null, 'laptop')[0].devices.map(({ name }) => name)).toEqual(['phone'])
  })
})

describe('what a device reaches', () => {
  test('is the home that added it; all, when the owner did; or those that the owner named', () => {
    expect(reachOf(add(two, cabin, device('phone'))[1])).toEqual(['cabin'])
    expect(reachOf(add(two, null, device('phone'))[1])).toBeNull()
    const named = add(two, null, device('phone', { homes: ['lodge', 'cabin', 'lodge'] }))[1]
    expect(named.homes).toEqual(['cabin', 'lodge'])
    expect(reachOf(named)).toEqual(['cabin', 'lodge'])
    expect(reachOf(add(two, cabin, device('phone', { homes: ['cabin'] }))[1])).toEqual(['cabin'])
  })

  test('is nothing that does not exist, and for a home nothing but itself', () => {
    expect(refusal(() => add(two, null, device('phone', { homes: ['cabin', 'barn'] })))).toBe('home-missing')
    expect(reasonOf(() => add(two, null, device('phone', { homes: ['barn'] }))).why).toBe('the hub has no home barn')
    const { why } = reasonOf(() => add(two, cabin, device('phone', { homes: ['cabin', 'lodge'] })))
    expect(why).toBe('a device added at cabin reaches that home alone')
  })
})

describe('a guest', () => {
  test('goes when its time is over, and not before', () => {
    const [one, guest] = add(two, cabin, device('guest', { expiresInMs: HOUR }))
    expect(guest.expiresAt).toBe(later(HOUR).now.toISOString())
    const [after, phone] = add(one, cabin, device('phone'))
    expect([isExpired(guest, later(HOUR - 1).now), isExpired(guest, later(HOUR).now)]).toEqual([false, true])
    expect(isExpired(phone, later(1_000 * HOUR).now)).toBe(false)
    expect(inTime(after, later(HOUR - 1).now)).toBe(after)
    expect(inTime(after, later(HOUR).now)).toEqual({ ...after, devices: [phone] })
  })

  test('is there again when the clock that ended its time comes back, and gives its name to another one until then', () => {
    const [after, guest] = add(two, cabin, device('guest', { expiresInMs: HOUR }))
    const years = later(10_000 * HOUR)
    const [other] = addDevice(after, lodge, device('phone'), hubKey, years)
    expect(inTime(other, now).devices.map(({ name }) => name)).toEqual(['guest', 'phone'])
    const [taken, again] = addDevice(after, cabin, device('guest'), hubKey, years)
    expect(taken.devices).toEqual([again])
    expect(again.address).toBe(guest.address)
    expect(refusal(() => addDevice(after, lodge, device('guest'), hubKey, years))).toBe('device-exists')
    expect(addDevice(after, null, device('guest'), hubKey, years)[1].home).toBeNull()
  })

  test('whose time is over is one of 32 that are kept of its home', () => {
    let document = two
    for (let count = 0; count < 40; count += 1)
      document = addDevice(
        document,
        cabin,
        device(`guest-${count}`, { expiresInMs: 1 }),
        hubKey,
        later(count * HOUR),
      )[0]
    const [after] = addDevice(document, cabin, device('phone'), hubKey, later(100 * HOUR))
    expect(after.devices.map(({ name }) => name)).toEqual([
      ...Array.from({ length: 32 }, (_, index) => `guest-${index + 8}`),
      'phone',
    ])
  })
})

describe('a device for some services', () => {
  const camera = { address: '192.168.1.50', protocol: 'tcp', port: 554, lastPort: 554 } as const
  const { document, home } = joined(EMPTY_DOCUMENT, 'barn', ['192.168.1.0/24'])

  test('has them where the home that it is for has them', () => {
    expect(add(document, null, device('viewer', { to: [camera] }))[1].to).toEqual([camera])
    expect(add(document, home, device('viewer', { to: [camera] }))[1].to).toEqual([camera])
    const own = { ...camera, address: home.address }
    expect(add(document, home, device('viewer', { to: [own] }))[1].to).toEqual([own])
  })

  test('is refused one that it would not reach, with what it reaches', () => {
    const elsewhere = { ...camera, address: '192.168.9.50' }
    const { why } = reasonOf(() => add(document, home, device('viewer', { to: [camera, elsewhere] })))
    expect(why).toBe('192.168.9.50 is not in what the device would reach: 10.86.0.2/32, 192.168.1.0/24')
    const other = joined(document, 'lodge', ['192.168.9.0/24'])
    expect(refusal(() => add(other.document, home, device('viewer', { to: [elsewhere] })))).toBe('request-invalid')
    expect(refusal(() => add(other.document, null, device('viewer', { homes: ['barn'], to: [elsewhere] })))).toBe(
      'request-invalid',
    )
    expect(add(other.document, null, device('viewer', { to: [elsewhere] }))[1].to).toEqual([elsewhere])
  })

  test('has a file that leads to those hosts alone, and needs no other when a LAN changes', () => {
    const [after, viewer] = add(
      document,
      home,
      device('viewer', { to: [camera, { ...camera, port: 80, lastPort: 80 }] }),
    )
    expect(neededFile(viewer, after, context.network).allowedIps).toEqual(['192.168.1.50/32'])
  })
})

describe('the way to the internet', () => {
  const letting = (document: StoreDocument, name: 'cabin' | 'lodge'): StoreDocument => {
    const home = name === 'cabin' ? cabin : lodge
    return register(document, home, { ...unchanged(home), exit: true }, hubKey, context)[0]
  }

  test('is through the hub when it is asked for, and else the home’s own', () => {
    expect(add(two, null, device('phone', { full: true }))[1].full).toBe(true)
    expect(Object.keys(add(two, null, device('phone', { full: false, exit: null, homes: null }))[1])).toEqual([
      'name',
      'address',
      'publicKey',
      'presharedKey',
      'home',
      'addedAt',
    ])
  })

  const allowed = (document: StoreDocument): StoreDocument => ({
    ...document,
    homes: document.homes.map((home) => ({ ...home, may: [...RIGHTS] })),
  })

  test('is through a home that lets devices, and one at most', () => {
    expect(refusal(() => add(two, null, device('phone', { exit: 'cabin' })))).toBe('exit-refused')
    expect(refusal(() => add(two, null, device('phone', { exit: 'barn' })))).toBe('home-missing')
    const both = allowed(letting(letting(two, 'cabin'), 'lodge'))
    expect(refusal(() => add(both, lodge, device('phone', { exit: 'cabin' })))).toBe('home-missing')
    const [one, phone] = add(both, null, device('phone', { exit: 'cabin' }))
    expect(phone.exit).toBe('cabin')
    expect(add(one, cabin, device('tablet', { exit: 'cabin' }))[1].exit).toBe('cabin')
    const { why, next } = reasonOf(() => add(one, null, device('laptop', { exit: 'lodge' })))
    expect([why, next]).toEqual([
      'devices go to the internet through cabin already, and a hub can have one such home',
      'Remove those devices first, or add this one with --exit cabin',
    ])
  })

  test('is the home of whoever goes through one, as long as that home lets them', () => {
    expect(exitHome(two)).toBeNull()
    const open = letting(two, 'cabin')
    expect(exitHome(open)).toBeNull()
    const [without] = add(open, null, device('laptop'))
    const [after] = add(without, null, device('phone', { exit: 'cabin' }))
    expect(exitHome(after)).toBe('cabin')
    const [calm] = register(after, cabin, unchanged(cabin), hubKey, context)
    expect(exitHome(calm)).toBeNull()
    expect(exitHome(letting(calm, 'lodge'))).toBeNull()
  })
})

describe('a device whose key is rotated', () => {
  const keys = ({ publicKey, presharedKey } = device('new')) => ({ name: 'phone', publicKey, presharedKey })
  const rotate = (document: StoreDocument, principal: Principal, input = keys(), preview = false, at = context) =>
    readable(rotateDevice(document, principal, { ...input, preview }, hubKey, at))

  test('has other keys, and is the same one in all else', () => {
    const [before, phone] = add(two, cabin, device('phone', { expiresInMs: HOUR, homes: ['cabin'] }))
    const input = keys()
    const [after, rotated] = rotate(before, cabin, input)
    expect(rotated).toEqual({ ...phone, publicKey: input.publicKey, presharedKey: input.presharedKey })
    expect(after.devices).toEqual([rotated])
    // The answer may have been lost.
    expect(rotate(after, cabin, input)[0]).toBe(after)
    expect(rotate(after, null)[1].home).toBe('cabin')
  })

  test('keeps the old ones while its owner only looks what the file will say', () => {
    const [before, phone] = add(two, null, device('phone'))
    expect(rotate(before, null, keys(), true)).toEqual([before, phone])
    expect(rotate(before, null, keys(), true)[0]).toBe(before)
  })

  test('is the home’s own, of whom the rights as for adding are asked', () => {
    const full: Home = { ...cabin, may: ['devices', 'full'] }
    const [before] = add({ ...two, homes: [full, lodge] }, full, device('phone', { full: true }))
    expect(refusal(() => rotate(before, lodge))).toBe('device-missing')
    expect(refusal(() => rotate({ ...before, homes: two.homes }, cabin))).toBe('right-missing')
    expect(rotate(before, full)[1].full).toBe(true)
    expect(refusal(() => rotate(add(two, null, device('phone'))[0], cabin))).toBe('device-missing')
  })

  test('is one whose time is not over, under a name that there is, with nobody’s key', () => {
    const [before] = add(two, cabin, device('phone', { expiresInMs: HOUR }))
    expect(refusal(() => rotate(before, cabin, keys(), false, later(2 * HOUR)))).toBe('device-missing')
    expect(refusal(() => rotate(before, null, { ...keys(), name: 'tablet' }))).toBe('device-missing')
    expect(refusal(() => rotate(before, null, { ...keys(), name: '../x' }))).toBe('device-name-invalid')
    for (const publicKey of [hubKey, cabin.publicKey])
      expect(refusal(() => rotate(before, null, { ...keys(), publicKey }))).toBe('request-invalid')
  })

  test('has a file that is not too old any more', () => {
    const [before] = add(two, null, device('phone'))
    const file = { address: '10.86.0.9', allowedIps: ['10.86.0.0/24'] }
    const outdated = { ...before, devices: before.devices.map((one) => ({ ...one, file })) }
    expect(rotate(outdated, null)[1].file).toBeUndefined()
  })
})

describe('a device after a change of the hub’s key', () => {
  const before = { publicKey: hubKey, firstKey: hubKey }
  const after = { publicKey: newKey(), firstKey: hubKey }
  const [with1] = add(two, null, device('phone'))
  const old = (document: StoreDocument) =>
    document.devices.filter((one) => namesOldKey(one, after)).map(({ name }) => name)

  test('has the earlier one in its file until it gets in by the new one', () => {
    expect(noteHubKey(two, with1, before)).toBe(with1)
    expect(old(with1)).toEqual(['phone'])
    expect(noteHeardDevices(with1, after, () => false)).toBe(with1)
    const heard = noteHeardDevices(with1, after, () => true)
    expect(old(heard)).toEqual([])
    expect(noteHeardDevices(heard, after, () => true)).toBe(heard)
    // The next change makes it too old again.
    expect(namesOldKey(heard.devices[0] ?? {}, { ...after, publicKey: newKey() })).toBe(true)
  })

  test('that was added since has the new one, and others are left alone by that', () => {
    const [added] = add(with1, null, device('laptop'))
    const [, laptop] = noteHubKey(with1, added, after).devices
    expect(laptop?.hubKey).toBe(after.publicKey)
    expect(old(noteHubKey(with1, added, after))).toEqual(['phone'])
  })
})
