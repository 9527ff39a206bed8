import { describe, expect, test } from 'vitest'
import { addDevice } from '../../../hub/core/devices.ts'
import { join } from '../../../hub/core/joining.ts'
import { register } from '../../../hub/core/registration.ts'
import { leave, removeHome } from '../../../hub/core/removal.ts'
import { EMPTY_DOCUMENT, type StoreDocument } from '../../../hub/core/store-document.ts'
import type { Publication } from '../../../protocol/publications.ts'
import {
  context,
  device,
  HOUR,
  hubKey,
  invited,
  joined,
  later,
  newKey,
  now,
  readable,
  reasonOf,
  refusal,
  request,
  unchanged,
} from './some.ts'

const published = (home: string, port: number): Publication => ({
  protocol: 'tcp',
  port,
  lastPort: port,
  address: '192.168.1.20',
  targetPort: port,
  source: 'hide',
  home,
  addedAt: now.toISOString(),
})

/** Two homes, each with a device and a publication, and a device of the hub's owner. */
function scene() {
  const first = joined(EMPTY_DOCUMENT, 'cabin')
  const second = joined(first.document, 'lodge')
  const [cabin, lodge] = [first.home, second.home]
  let document: StoreDocument = second.document
  for (const [principal, name] of [
    [cabin, 'phone'],
    [lodge, 'tablet'],
    [null, 'laptop'],
  ] as const)
    [document] = addDevice(document, principal, device(name), hubKey, context)
  document = { ...document, publications: [published('cabin', 80), published('lodge', 443)] }
  return { document, cabin, lodge, request: first.request }
}

const left = ({ homes, invites, devices, publications }: StoreDocument) => ({
  homes: homes.map(({ name }) => name),
  invites: invites.map(({ home, use }) => [home, use === null ? 'open' : 'used']),
  devices: devices.map(({ name }) => name),
  publications: publications.map(({ home }) => home),
})

describe('a home that is removed', () => {
  test('takes its devices, publications and invitations along, and nothing of others', () => {
    const { document } = scene()
    const [after, removed] = readable(removeHome(document, 'cabin', now))
    expect(removed).toEqual({ home: 'cabin', joined: true, devices: ['phone'] })
    expect(left(after)).toEqual({
      homes: ['lodge'],
      invites: [['lodge', 'used']],
      devices: ['tablet', 'laptop'],
      publications: ['lodge'],
    })
  })

  test('may be one that is only invited, as long as it may come', () => {
    const { document } = invited(invited(EMPTY_DOCUMENT, 'barn').document, 'cabin')
    const [after, removed] = removeHome(document, 'cabin', later(HOUR - 1).now)
    expect(removed).toEqual({ home: 'cabin', joined: false, devices: [] })
    expect(after.invites.map(({ home }) => home)).toEqual(['barn'])
    expect(refusal(() => removeHome(document, 'cabin', later(HOUR).now))).toBe('home-missing')
    expect(refusal(() => removeHome(document, 'lodge', now))).toBe('home-missing')
  })
})

describe('a home that leaves', () => {
  test('is forgotten with all that it had, and its token is used', () => {
    const { document, cabin, request: mine } = scene()
    const [after, removed] = readable(leave(document, cabin, { reopenInvite: false }))
    expect(removed).toEqual({ home: 'cabin', joined: true, devices: ['phone'] })
    expect(left(after)).toEqual({
      homes: ['lodge'],
      invites: [
        ['cabin', 'used'],
        ['lodge', 'used'],
      ],
      devices: ['tablet', 'laptop'],
      publications: ['lodge'],
    })
    expect(refusal(() => join(after, mine, hubKey, context))).toBe('token-used')
  })

  test('since its tunnel was not proven may use its token again, and nobody else theirs', () => {
    const { document, cabin, request: mine } = scene()
    const [after, removed] = readable(leave(document, cabin, { reopenInvite: true }))
    expect(removed.devices).toEqual(['phone'])
    expect(left(after)).toMatchObject({
      homes: ['lodge'],
      invites: [
        ['cabin', 'open'],
        ['lodge', 'used'],
      ],
    })
    expect(join(after, mine, hubKey, context)[1].repeated).toBe(false)
  })

  test('and had taken the place of another key gives it back, with its devices; else both are gone', () => {
    const { document, cabin, lodge } = scene()
    const again = invited(document, 'cabin')
    const [taken, { home }] = join(again.document, request(again.secret), hubKey, context)
    const [after, removed] = readable(leave(taken, home, { reopenInvite: true }))
    expect(removed).toEqual({ home: 'cabin', joined: true, devices: [] })
    expect(after.homes).toEqual([lodge, cabin])
    expect(left(after)).toMatchObject({
      devices: ['phone', 'tablet', 'laptop'],
      publications: ['cabin', 'lodge'],
      invites: [
        ['lodge', 'used'],
        ['cabin', 'open'],
      ],
    })
    expect(left(leave(taken, home, { reopenInvite: false })[0])).toMatchObject({
      homes: ['lodge'],
      devices: ['tablet', 'laptop'],
    })
  })

  test('after it changed its key has no join to take back', () => {
    const { document, home, request: mine } = joined(EMPTY_DOCUMENT, 'cabin')
    const [rotated, { home: after }] = register(
      document,
      home,
      { ...unchanged(home), nextPublicKey: newKey() },
      hubKey,
      context,
    )
    const [gone] = leave(rotated, after, { reopenInvite: true })
    expect(left(gone)).toMatchObject({ homes: [], invites: [['cabin', 'used']] })
    expect(refusal(() => join(gone, mine, hubKey, context))).toBe('token-used')
  })

  test('takes back its own join, though another home had its key once', () => {
    const first = joined(EMPTY_DOCUMENT, 'cabin')
    const [gone] = leave(first.document, first.home, { reopenInvite: false })
    const { document, secret } = invited(gone, 'lodge')
    const { publicKey } = first.home
    const [taken, { home }] = join(document, request(secret, { publicKey }), hubKey, context)
    expect(left(leave(taken, home, { reopenInvite: true })[0]).invites).toEqual([
      ['cabin', 'used'],
      ['lodge', 'open'],
    ])
  })

  test('after a newer invitation leaves that one open', () => {
    const first = joined(EMPTY_DOCUMENT, 'cabin')
    const { document } = invited(first.document, 'cabin')
    expect(left(leave(document, first.home, { reopenInvite: true })[0]).invites).toEqual([['cabin', 'open']])
  })

  test('or was removed meanwhile is unknown', () => {
    const { document, cabin } = scene()
    const [gone] = removeHome(document, 'cabin', now)
    expect(reasonOf(() => leave(gone, cabin, { reopenInvite: false })).what).toBe('leaving the hub as cabin')
  })
})
