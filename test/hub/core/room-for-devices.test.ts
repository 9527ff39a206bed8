import { describe, expect, test } from 'vitest'
import { actorOf, addDevice, type Principal, rotateDevice } from '../../../hub/core/devices.ts'
import { EMPTY_DOCUMENT, type Home, type StoreDocument } from '../../../hub/core/store-document.ts'
import { context, device, HOUR, hubKey, joined, later, newKey, reasonOf, refusal } from './some.ts'

/** What a device takes of the hub that others need too, and what a home learns of the devices of others. */

const first = joined(EMPTY_DOCUMENT, 'cabin')
const second = joined(first.document, 'lodge')
const [cabin, lodge, two] = [first.home, second.home, second.document]
const add = (document: StoreDocument, principal: Principal, name: string, at = context) =>
  addDevice(document, principal, device(name), hubKey, at)
const short = (document: StoreDocument, principal: Principal, name: string) =>
  addDevice(document, principal, device(name, { expiresInMs: HOUR }), hubKey, context)[0]

test('a line in the log of operations says whose word it was', () => {
  expect([actorOf(null), actorOf(cabin)]).toEqual(['hub', 'home'])
})

describe('a name that is taken', () => {
  const [byCabin] = add(two, cabin, 'phone')
  const why = (principal: Principal) => reasonOf(() => add(byCabin, principal, 'phone')).why

  test('is told to its own home and to the hub’s owner with the time, to other homes without it', () => {
    const since = 'there is a device named phone already, added at 2026-11-23T10:00:00.000Z'
    expect([why(cabin), why(null)]).toEqual([since, since])
    expect(why(lodge)).toBe('there is a device named phone already')
  })
})

test('a device for a service reaches nothing of a hub that no home joined yet', () => {
  const to = [{ protocol: 'tcp', address: '192.168.1.20', port: 443, lastPort: 443 }] as const
  const phone = device('phone', { to: [...to] })
  expect(reasonOf(() => addDevice(EMPTY_DOCUMENT, null, phone, hubKey, context)).why).toBe(
    '192.168.1.20 is not in what the device would reach: no home has a LAN',
  )
})

describe('a quota of devices', () => {
  const one: Home = { ...cabin, quota: { devices: 1 } }
  const homes = { ...two, homes: [one, lodge] }

  test('counts the home’s own, and none whose time is over', () => {
    const [others] = add(add(homes, lodge, 'tablet')[0], null, 'laptop')
    const mine = short(others, one, 'phone')
    expect(refusal(() => add(mine, one, 'watch'))).toBe('quota-reached')
    expect(add(mine, one, 'watch', later(HOUR))[1].home).toBe('cabin')
  })
})

test('an eighth of the tunnel’s addresses is left to the hub’s owner', () => {
  const small = { ...context, network: '10.86.0.0/27' }
  const upTo = (principal: Principal) => {
    for (let [document, count] = [two, 0]; ; count += 1)
      try {
        document = addDevice(document, principal, device(`d${count}`), hubKey, small)[0]
      } catch (thrown) {
        return { count, why: (thrown as { why: string }).why }
      }
  }
  // Of 30 addresses the hub has one, and the homes have two; 26 is the most that homes fill.
  const [byHome, byOwner] = [upTo(cabin), upTo(null)]
  expect(byHome.why).toContain('addresses of 10.86.0.0/27 are in use, and the last ones are kept for')
  expect([byHome.count, byOwner.count]).toEqual([24, 27])
})

test('devices whose time is over make room for their own home’s, 32 of them stay, and those of others all', () => {
  let document = two
  for (let index = 0; index < 20; index += 1) {
    document = short(document, cabin, `c${index}`)
    document = short(document, lodge, `l${index}`)
  }
  const [after] = add(document, cabin, 'phone', later(HOUR))
  expect(after.devices).toHaveLength(41)
})

describe('a rotation', () => {
  const [one, phone] = add(two, cabin, 'phone')
  const [both, tablet] = add(one, cabin, 'tablet')
  const rotate = (publicKey: typeof phone.publicKey, presharedKey: typeof phone.presharedKey) =>
    rotateDevice(both, cabin, { name: 'phone', publicKey, presharedKey, preview: false }, hubKey, context)

  test('to the keys that it has changes nothing, since the answer may have been lost', () => {
    const [document, rotated] = rotate(phone.publicKey, phone.presharedKey)
    expect(document).toBe(both)
    expect(rotated).toBe(phone)
  })

  test('to the old public key is refused, and to another one done, whatever the preshared key', () => {
    expect(refusal(() => rotate(phone.publicKey, tablet.presharedKey))).toBe('request-invalid')
    const publicKey = newKey()
    expect(rotate(publicKey, phone.presharedKey)[1].publicKey).toBe(publicKey)
  })

  test('leaves other devices as they are', () => {
    const [document, rotated] = rotate(newKey(), tablet.presharedKey)
    expect(document.devices).toEqual([rotated, tablet])
  })
})
