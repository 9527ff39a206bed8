import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import { addDevice, removeDevice } from '../../../hub/core/devices.ts'
import { give, grantLan } from '../../../hub/core/given.ts'
import { addPublication, type PublicationInput, removePublication } from '../../../hub/core/publications.ts'
import { register } from '../../../hub/core/registration.ts'
import { EMPTY_DOCUMENT, type Home, homeNamed, type StoreDocument } from '../../../hub/core/store-document.ts'
import {
  context,
  device,
  hubKey,
  invited,
  joined,
  reasonOf,
  refusal,
  request,
  unchanged,
  readable,
} from '../core/some.ts'
import { join } from '../../../hub/core/joining.ts'

/** What whoever holds a home's secret may do, and what not: the home joined with the default rights. */

const lodge = joined(EMPTY_DOCUMENT, 'lodge', ['192.168.7.0/24'])
const stolen = joined(lodge.document, 'cabin', ['192.168.1.0/24'])
const { document, home } = stolen
const resolver = {
  ...context,
  own: [...context.own, { prefix: '10.9.9.9/32', by: 'the hub’s own name server', unlessGranted: true as const }],
}

const publish = (input: Partial<PublicationInput>, from: StoreDocument = document, principal: Home = home) =>
  addPublication(
    from,
    principal,
    { protocol: 'tcp', port: 8080, lastPort: 8080, address: '192.168.1.20', targetPort: 8080, source: null, ...input },
    () => null,
    context.now,
  )
const announce = (lan: readonly string[], from: StoreDocument = document, at = context) =>
  readable(register(from, homeNamed(from, 'cabin') ?? home, { ...unchanged(home), lan: [...lan] }, hubKey, at))
const given = (may: string, quota: string | null = null): StoreDocument =>
  readable(give(document, 'cabin', { may, quota }, context.now))[0]
const asGiven = (may: string): { readonly from: StoreDocument; readonly member: Home } => {
  const from = given(may)
  return { from, member: homeNamed(from, 'cabin') ?? home }
}

describe('a LAN', () => {
  test.each([['172.16.0.0/12'], ['100.64.0.0/12'], ['10.9.9.0/24'], ['192.168.1.0/24', '10.0.0.0/10']])(
    'that nobody granted waits: %s %s',
    (...lan) => {
      const [after, { home: known, waiting }] = announce(lan)
      expect(known.lan).toEqual(['192.168.1.0/24'])
      expect(waiting).toEqual(lan.filter((prefix) => prefix !== '192.168.1.0/24'))
      expect(after.homes).toEqual(document.homes)
    },
  )

  test('waits without failing what else the home says', () => {
    const says = { ...unchanged(home), lan: ['10.9.9.0/24'], mtu: 1280 }
    const [, { home: known, waiting }] = register(document, home, says, hubKey, context)
    expect([known.mtu, known.lan, waiting]).toEqual([1280, ['192.168.1.0/24'], ['10.9.9.0/24']])
  })

  test('with the hub’s resolver in it is refused, whatever the home may', () => {
    expect(refusal(() => announce(['10.9.9.9/32'], document, resolver))).toBe('lan-overlaps')
    expect(refusal(() => announce(['10.9.9.0/24'], given('+lan'), resolver))).toBe('lan-overlaps')
    // Unless the owner named it: a hub may ask a name server at home.
    const [named] = grantLan(document, 'cabin', ['10.9.9.0/24'], resolver)
    expect(homeNamed(named, 'cabin')?.lan).toEqual(['10.9.9.0/24'])
  })

  test('that the owner grants is the home’s at once, and stays granted', () => {
    const [granted] = readable(grantLan(document, 'cabin', ['10.9.9.0/24'], context))
    expect(homeNamed(granted, 'cabin')?.lan).toEqual(['10.9.9.0/24'])
    expect(announce(['10.9.9.0/24'], granted)[1]).toMatchObject({ waiting: [] })
    expect(announce(['192.168.1.0/24', '10.9.9.0/24'], granted)[1].waiting).toEqual([])
    expect(refusal(() => grantLan(document, 'cabin', ['192.168.7.0/24'], context))).toBe('lan-overlaps')
    expect(refusal(() => grantLan(document, 'barn', ['10.9.9.0/24'], context))).toBe('home-missing')
  })

  test('of a home that may is any private one, up to its quota', () => {
    expect(announce(['10.9.9.0/24', '172.16.0.0/12'], given('+lan'))[1].waiting).toEqual([])
    const nine = Array.from({ length: 9 }, (_, index) => `10.1.${index}.0/24`)
    expect(announce(nine, given('+lan'))[1].waiting).toEqual(['10.1.8.0/24'])
    expect(announce(nine, given('+lan', 'prefixes=9'))[1].waiting).toEqual([])
  })

  test('at the join is the one network that the home is on, of /16 at most, or what its owner named', () => {
    const open = invited(EMPTY_DOCUMENT, 'barn')
    const asks = (lan: string[]) => join(open.document, request(open.secret, { lan }), hubKey, context)
    expect(asks(['10.1.0.0/16'])[1].home).toMatchObject({ lan: ['10.1.0.0/16'], granted: ['10.1.0.0/16'] })
    expect(reasonOf(() => asks(['10.0.0.0/8'])).why).toMatch(
      /10\.0\.0\.0\/8 is wider than the \/16 .* sudo homeward hub invite barn --lan 10\.0\.0\.0\/8$/,
    )
    expect(reasonOf(() => asks(['10.1.1.0/24', '10.1.2.0/24'])).why).toMatch(
      /join with --lan 10\.1\.1\.0\/24 alone\. .* --lan 10\.1\.1\.0\/24,10\.1\.2\.0\/24$/,
    )
    const named = invited(EMPTY_DOCUMENT, 'barn', ['10.1.1.0/24'])
    const other = request(named.secret, { lan: ['10.1.2.0/24'] })
    expect(reasonOf(() => join(named.document, other, hubKey, context)).why).toMatch(
      /the invitation is for 10\.1\.1\.0\/24, and not for 10\.1\.2\.0\/24/,
    )
  })
})

describe('what the hub has', () => {
  test.each([
    ['a system port', 'publish-low', { port: 80, lastPort: 80, targetPort: 80 }],
    ['all ports', 'publish-low', { port: 1, lastPort: 51_819, targetPort: 1 }],
    ['the last system port', 'publish-low', { port: 1_023, lastPort: 1_023, targetPort: 1_023 }],
    ['a range that begins there', 'publish-low', { port: 1_023, lastPort: 1_030, targetPort: 1_023 }],
  ])('is not a home’s to take: %s', (_what, right, input) => {
    expect(reasonOf(() => publish(input)).why).toContain(`--may +${right}`)
  })

  test('is published by a home that may, and up to its quota', () => {
    expect(publish({ port: 1_024, lastPort: 1_024 })[1].port).toBe(1_024)
    const low = asGiven('+publish-low')
    expect(publish({ port: 443, lastPort: 443 }, low.from, low.member)[1].port).toBe(443)
    const none = asGiven('none')
    expect(refusal(() => publish({}, none.from, none.member))).toBe('right-missing')
    const only = asGiven('publish-low')
    expect(refusal(() => publish({ port: 1_023, lastPort: 1_024, targetPort: 1_023 }, only.from, only.member))).toBe(
      'right-missing',
    )
    expect(publish({ port: 1_024, lastPort: 21_023, targetPort: 1_024 })[1].lastPort).toBe(21_023)
    expect(refusal(() => publish({ port: 1_024, lastPort: 21_024, targetPort: 1_024 }))).toBe('quota-reached')
    const [half] = publish({ port: 1_024, lastPort: 11_023, targetPort: 1_024 })
    expect(refusal(() => publish({ port: 20_000, lastPort: 30_000, targetPort: 20_000 }, half))).toBe('quota-reached')
  })

  test('is not sent by: not when it is published, and not later', () => {
    const able = (may: string) => {
      const { from, member } = asGiven(may)
      const changed = { ...member, outgoing: true }
      return { from: { ...from, homes: from.homes.map((one) => (one === member ? changed : one)) }, member: changed }
    }
    const without = able('+publish-low')
    expect(refusal(() => publish({ outgoing: true }, without.from, without.member))).toBe('right-missing')
    const [plain] = publish({}, without.from, without.member)
    expect(refusal(() => publish({ outgoing: true }, plain, without.member))).toBe('right-missing')
    const sending = able('+outgoing')
    expect(publish({ outgoing: true }, sending.from, sending.member)[1].outgoing).toBe(true)
  })

  test('is published for it by the owner, whatever it may', () => {
    const [, made] = addPublication(
      document,
      null,
      { protocol: 'tcp', port: 25, lastPort: 25, address: '192.168.1.20', targetPort: 25, source: null, home: 'cabin' },
      () => null,
      context.now,
    )
    expect(made.home).toBe('cabin')
  })
})

describe('a device', () => {
  const add = (more: Parameters<typeof device>[1], from = document, principal: Home = home) =>
    addDevice(from, principal, device('phone', more), hubKey, context)

  test('reaches the internet by nobody who may not', () => {
    expect(reasonOf(() => add({ full: true })).why).toContain('--may +full')
    const [willing] = register(document, home, { ...unchanged(home), exit: true }, hubKey, context)
    expect(reasonOf(() => add({ exit: 'cabin' }, willing)).why).toContain('--may +exit')
    const full = asGiven('+full')
    expect(add({ full: true }, full.from, full.member)[1].full).toBe(true)
    const none = asGiven('-devices')
    expect(refusal(() => add({}, none.from, none.member))).toBe('right-missing')
  })

  test('is one of fifty, and the last addresses are the owner’s', () => {
    const from = given('+devices', 'devices=2')
    const member = homeNamed(from, 'cabin') ?? home
    const two = ['a', 'b'].reduce((all, name) => addDevice(all, member, device(name), hubKey, context)[0], from)
    expect(refusal(() => addDevice(two, member, device('c'), hubKey, context))).toBe('quota-reached')
    // Of 14 addresses twelve: hub, two homes, and so on.
    const small = { ...context, network: '10.86.0.0/28' }
    const full = Array.from({ length: 10 }, (_, index) => `d${index}`).reduce(
      (all, name) => addDevice(all, null, device(name), hubKey, small)[0],
      document,
    )
    expect(refusal(() => addDevice(full, home, device('e'), hubKey, small))).toBe('quota-reached')
    expect(addDevice(full, null, device('e'), hubKey, small)[1].address).toBe('10.86.0.14')
  })

  test('of another home is not told of, but for its name', () => {
    const [theirs] = addDevice(document, lodge.home, device('phone'), hubKey, context)
    expect(reasonOf(() => add({}, theirs)).why).toBe('there is a device named phone already')
  })
})

/** Any call that a home can make which changes the document. */
const call = fc.oneof(
  fc.record({
    kind: fc.constant('register' as const),
    lan: fc.array(fc.constantFrom('192.168.1.0/24', '10.9.9.9/32', '172.16.0.0/12', '10.86.0.0/24', '192.168.7.0/24')),
    exit: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('publish' as const),
    port: fc.integer({ min: 1, max: 65_535 }),
    more: fc.integer({ min: 0, max: 70_000 }),
    outgoing: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('withdraw' as const), port: fc.integer({ min: 1, max: 65_535 }) }),
  fc.record({
    kind: fc.constant('device' as const),
    name: fc.constantFrom('a', 'b', 'c', 'mine', 'theirs'),
    full: fc.boolean(),
    exit: fc.constantFrom(null, 'cabin', 'lodge'),
  }),
  fc.record({ kind: fc.constant('remove' as const), name: fc.constantFrom('a', 'b', 'mine', 'theirs') }),
)

function made(from: StoreDocument, one: typeof call extends fc.Arbitrary<infer Call> ? Call : never): StoreDocument {
  const member = homeNamed(from, 'cabin') ?? home
  if (one.kind === 'register')
    return register(from, member, { ...unchanged(member), lan: one.lan, exit: one.exit }, hubKey, context)[0]
  if (one.kind === 'publish') {
    const lastPort = one.port + one.more
    return publish({ port: one.port, lastPort, targetPort: one.port, outgoing: one.outgoing }, from, member)[0]
  }
  if (one.kind === 'withdraw')
    return removePublication(from, member, { protocol: 'tcp', port: one.port, lastPort: one.port })[0]
  if (one.kind === 'remove') return removeDevice(from, member, one.name)[0]
  return addDevice(from, member, device(one.name, { full: one.full, exit: one.exit }), hubKey, context)[0]
}

test('whatever a home without rights asks for, in whatever order, nothing of others changes', () => {
  const owned = addDevice(document, null, device('mine'), hubKey, context)[0]
  const before = addDevice(owned, lodge.home, device('theirs'), hubKey, context)[0]
  const others = ({ homes, devices, publications }: StoreDocument) => ({
    homes: homes.filter(({ name }) => name !== 'cabin'),
    devices: devices.filter((one) => one.home !== 'cabin'),
    publications: publications.filter((one) => one.home !== 'cabin'),
  })
  fc.assert(
    fc.property(fc.array(call, { maxLength: 40 }), (calls) => {
      let after = before
      for (const one of calls) {
        // A refusal changes nothing.
        const next = refusal(() => made(after, one))
        if (typeof next === 'object') after = next as StoreDocument
      }
      expect(others(after)).toEqual(others(before))
      const cabin = homeNamed(after, 'cabin')
      expect(cabin?.lan.every((prefix) => prefix === '192.168.1.0/24')).toBe(true)
      expect(after.devices.every((one) => one.home !== 'cabin' || (one.full !== true && one.exit === undefined))).toBe(
        true,
      )
      expect(after.publications.every((one) => one.home !== 'cabin' || (one.port > 1_023 && !one.outgoing))).toBe(true)
    }),
  )
})
