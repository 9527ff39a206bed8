import * as fc from '../../properties.ts'
import { expect, test } from 'vitest'
import { neededFile, noteDeviceFiles } from '../../../hub/core/device-files.ts'
import { addDevice, removeDevice } from '../../../hub/core/devices.ts'
import { moveNetwork } from '../../../hub/core/move-network.ts'
import { register } from '../../../hub/core/registration.ts'
import { leave, removeHome } from '../../../hub/core/removal.ts'
import { EMPTY_DOCUMENT, homeNamed, type StoreDocument } from '../../../hub/core/store-document.ts'
import { hubAddressIn } from '../../../hub/core/tunnel-network.ts'
import { isIn } from '../../../net/prefix.ts'
import { context, device, hubKey, invited, joined, readable, reasonOf, refusal, unchanged } from './some.ts'

const { network: from, own } = context
const to = '172.29.0.0/16'

/** A home that can follow, with its LAN, and a phone. */
function some(follows = true): StoreDocument {
  const { document, home } = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
  const says = { publicKey: home.publicKey, lan: [...home.lan], mtu: null, keeps: [`${home.address}/32`], follows }
  const [registered] = register(document, home, says, hubKey, context)
  return addDevice(registered, null, device('phone'), hubKey, context)[0]
}

test('everybody gets an address in the new network, with the old host part', () => {
  const { document: more } = invited(some(), 'barn')
  const [document, move] = readable(moveNetwork(more, from, to, own))
  expect(move).toEqual({
    from,
    to,
    homes: [{ name: 'cabin', from: '10.86.0.2', to: '172.29.0.2' }],
    devices: [{ name: 'phone', from: '10.86.0.3', to: '172.29.0.3' }],
  })
  expect(document.network).toBe(to)
  expect(document.homes[0]).toMatchObject({ address: '172.29.0.2', keeps: ['172.29.0.2/32'] })
  expect(document.invites.map((one) => one.address)).toEqual(['172.29.0.2', '172.29.0.4'])
})

test('a service on the home’s end of the tunnel moves along, others stay', () => {
  const at = (address: string) =>
    ({
      protocol: 'tcp',
      port: 443,
      lastPort: 443,
      address,
      targetPort: 443,
      source: 'hide',
      home: 'cabin',
      addedAt: '',
    }) as const
  const publications = [at('10.86.0.2'), at('192.168.1.20')]
  const [document] = moveNetwork({ ...some(), publications }, from, to, own)
  expect(document.publications.map((one) => one.address)).toEqual(['172.29.0.2', '192.168.1.20'])
})

test('whatever the size of the new network, hosts alone are given out, and a part of the old one stays', () => {
  const homes = (...addresses: string[]) =>
    addresses.map((address, index) => ({
      ...some().homes[0]!,
      name: `home-${index}`,
      lan: [],
      keeps: undefined,
      address,
    }))
  const moved = (next: string, ...addresses: string[]) =>
    moveNetwork({ ...EMPTY_DOCUMENT, homes: homes(...addresses) }, from, next, [])[0].homes.map(
      ({ address }) => address,
    )
  expect(moved(to, '10.86.0.7', '10.86.3.9')).toEqual(['172.29.0.7', '172.29.3.9'])
  // Whoever can keep the old host part has it, though another one comes first.
  expect(moved('172.29.0.0/24', '10.86.1.9', '10.86.0.9', '10.86.0.2')).toEqual([
    '172.29.0.3',
    '172.29.0.9',
    '172.29.0.2',
  ])
  // Its own address, the hub's and its broadcast address were hosts' before.
  const borders = ['10.86.1.0', '10.86.1.1', '10.86.1.255', '10.86.1.254']
  expect(moved('172.29.1.0/24', ...borders)).toEqual(['172.29.1.2', '172.29.1.3', '172.29.1.4', '172.29.1.254'])
  expect(moved('10.86.1.0/24', ...borders)).toEqual(['10.86.1.2', '10.86.1.3', '10.86.1.4', '10.86.1.254'])
})

test('what a home keeps for services in its LAN stays, and for itself moves', () => {
  const [home] = some().homes
  const document = { ...some(), homes: [{ ...home!, keeps: ['10.86.0.2/32', '192.168.1.20/32'] }] }
  expect(moveNetwork(document, from, to, own)[0].homes[0]?.keeps).toEqual(['172.29.0.2/32', '192.168.1.20/32'])
})

test('a home that was replaced finds itself in the new network when the join is undone', () => {
  const joint = joined(some(), 'cabin')
  const says = { ...unchanged(joint.home), follows: true }
  const again = { document: register(joint.document, joint.home, says, hubKey, context)[0] }
  const [document] = readable(moveNetwork(again.document, from, to, own))
  const [after] = readable(leave(document, homeNamed(document, 'cabin')!, { reopenInvite: true }))
  expect(homeNamed(after, 'cabin')).toMatchObject({ address: '172.29.0.2', keeps: ['172.29.0.2/32'] })
  // With an address that nobody else remembers, too.
  const [opened] = again.document.invites
  const use = { ...opened!.use!, replaced: { ...opened!.use!.replaced!, address: '10.86.7.7' } }
  const [moved] = moveNetwork({ ...again.document, invites: [{ ...opened!, use }] }, from, to, own)
  expect(moved.invites[0]?.use?.replaced?.address).toBe('172.29.7.7')
})

test('a home that cannot follow keeps the network as it is, and is named', () => {
  expect(refusal(() => moveNetwork(some(false), from, to, own))).toBe('network-not-followed')
  expect(reasonOf(() => moveNetwork(some(false), from, to, own)).why).toBe(
    'cabin has not said to be able to follow, and would be lost',
  )
  // A network that only grows takes nobody an address.
  const grown = moveNetwork(some(false), '10.86.0.0/24', '10.86.0.0/16', own)
  expect(grown[1]).toMatchObject({ homes: [], devices: [] })
  // One that loses the hub's address or its own would be lost, though the other stays.
  const deaf = (...addresses: string[]) =>
    addresses.map((address, index) => ({ ...some(false).homes[0]!, name: `home-${index}`, lan: [], address }))
  const move = (next: string, ...addresses: string[]) =>
    reasonOf(() => moveNetwork({ ...EMPTY_DOCUMENT, homes: deaf(...addresses) }, from, next, [])).why
  expect(move('10.86.4.0/24', '10.86.4.9')).toMatch(/^home-0 has not said/)
  expect(move('10.86.0.0/24', '10.86.0.9', '10.86.1.9')).toMatch(/^home-1 has not said/)
  expect(move(to, '10.86.0.2', '10.86.0.3')).toMatch(/^home-0, home-1 have not said/)
})

test.each([
  ['192.168.0.0/16', '192.168.0.0/16 overlaps 192.168.1.0/24, the LAN of the home cabin'],
  ['203.0.113.128/25', '203.0.113.128/25 overlaps 203.0.113.0/24, the hub’s own network at eth0'],
])('a network that is somebody’s is refused with one that is free: %s', (network, why) => {
  expect(reasonOf(() => moveNetwork(some(), from, network, own))).toMatchObject({
    why,
    next: expect.stringMatching(/^Take one that is free: sudo homeward hub init --network 10\.86\.0\.0\/16/),
  })
})

test('a network that an invited home’s LAN has is refused; where none is free, none is named', () => {
  const { document } = invited(some(), 'barn', ['172.29.4.0/24'])
  expect(reasonOf(() => moveNetwork(document, from, to, own)).why).toBe(
    '172.29.0.0/16 overlaps 172.29.4.0/24, the LAN of the invited home barn',
  )
  const all = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((prefix) => ({ prefix, by: 'a route' }))
  expect(reasonOf(() => moveNetwork(some(), from, to, all)).next).toMatch(/^Choose another one/)
})

test('one that is too small for all is refused', () => {
  const five = Array.from({ length: 5 }, (_, index) => `phone-${index}`).reduce(
    (document, name) => addDevice(document, null, device(name), hubKey, context)[0],
    some(),
  )
  expect(refusal(() => moveNetwork(five, from, '172.29.0.0/29', own))).toBe('network-full')
})

test('whatever the networks, no address is lost, given twice, or the hub’s', () => {
  const hosts = fc.uniqueArray(fc.integer({ min: 2, max: 65_000 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(
      hosts,
      fc.constantFrom('172.29.0.0/16', '172.29.4.0/24', '10.86.0.0/17', '10.0.0.0/12'),
      (all, next) => {
        const homes = all.map((host, index) => ({
          ...joined(EMPTY_DOCUMENT, 'cabin').home,
          name: `home-${index}`,
          follows: true as const,
          lan: [],
          address: `10.86.${host >> 8}.${host & 255}`,
        }))
        const [moved] = moveNetwork({ ...EMPTY_DOCUMENT, homes }, from, next, [])
        const addresses = moved.homes.map(({ address }) => address)
        expect(new Set(addresses).size).toBe(all.length)
        expect(addresses).not.toContain(hubAddressIn(next))
        for (const address of addresses) expect(isIn(address, [next])).toBe(true)
      },
    ),
    { numRuns: 20 },
  )
})

test('a device’s file is too old from the change that it does not name, until it suffices again', () => {
  const before = some()
  const note = (document: StoreDocument, after: StoreDocument) =>
    noteDeviceFiles(document, after, { before: document.network ?? from, after: after.network ?? from })
  const file = { address: '10.86.0.3', allowedIps: ['10.86.0.0/16', '192.168.1.0/24'] }
  expect(note(before, before)).toBe(before)
  // Another home: the phone reaches all of them.
  const two = note(before, joined(before, 'lodge', ['192.168.2.0/24']).document)
  expect(two.devices[0]).toMatchObject({ name: 'phone', file })
  expect(neededFile(two.devices[0]!, two, from).allowedIps).toEqual([...file.allowedIps, '192.168.2.0/24'])
  // Back again: what the file says is right again.
  expect(note(two, removeHome(two, 'lodge', context.now)[0]).devices[0]?.file).toBeUndefined()
  // Another network; and another one after it: the file says what it said at first.
  const moved = note(before, moveNetwork(before, from, to, own)[0])
  expect(moved.devices[0]).toMatchObject({ address: '172.29.0.3', file })
  const again = note(moved, moveNetwork(moved, to, '172.27.0.0/16', own)[0])
  expect(again.devices[0]).toMatchObject({ address: '172.27.0.3', file })
  expect(note(again, moveNetwork(again, '172.27.0.0/16', from, own)[0]).devices[0]?.file).toBeUndefined()
  // A new device has a file of today.
  const fresh = note(
    moved,
    addDevice(removeDevice(moved, null, 'phone')[0], null, device('phone'), hubKey, { ...context, network: to })[0],
  )
  expect(fresh.devices[0]?.file).toBeUndefined()
})

test('a device that sends everything into the tunnel needs a new file for another address only', () => {
  const full = addDevice(some(), null, device('tablet', { full: true }), hubKey, context)[0]
  const note = (after: StoreDocument) => noteDeviceFiles(full, after, { before: from, after: after.network ?? from })
  expect(note(joined(full, 'lodge', ['192.168.2.0/24']).document).devices[1]?.file).toBeUndefined()
  const [moved] = readable([note(moveNetwork(full, from, to, own)[0]), null])
  expect(moved.devices[1]?.file).toEqual({ address: '10.86.0.4', allowedIps: ['0.0.0.0/0'] })
})
