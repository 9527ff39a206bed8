import { describe, expect, test } from 'vitest'
import { give, grantLan } from '../../../hub/core/given.ts'
import { EMPTY_DOCUMENT } from '../../../hub/core/store-document.ts'
import { context, HOUR, invited, joined, later, now, reasonOf, readable, refusal } from './some.ts'

const gift = { may: '+lan', quota: 'ports=10' }
const has = { may: ['lan', 'devices', 'publish'], quota: { ports: 10 } }

describe('a gift', () => {
  test('to a home is its own, and nobody else’s', () => {
    const lodge = joined(EMPTY_DOCUMENT, 'lodge')
    const cabin = joined(lodge.document, 'cabin')
    const { document } = invited(cabin.document, 'barn')
    const change = readable(give(document, 'cabin', gift, now))
    expect(change).toEqual([{ ...document, homes: [lodge.home, { ...cabin.home, ...has }] }, null])
  })

  test('waits for whoever is invited by that name, until the invitation expires', () => {
    const { document: first } = invited(EMPTY_DOCUMENT, 'lodge')
    const { document } = invited(first, 'cabin')
    const [lodge, cabin] = document.invites
    const change = readable(give(document, 'cabin', gift, later(HOUR - 1).now))
    expect(change).toEqual([{ ...document, invites: [lodge, { ...cabin, ...has }] }, null])
    expect(refusal(() => give(document, 'cabin', gift, later(HOUR).now))).toBe('home-missing')
  })

  test('to a home that is invited again is not lost when it joins again', () => {
    const { document } = invited(joined(EMPTY_DOCUMENT, 'cabin').document, 'cabin')
    const [{ homes, invites }] = readable(give(document, 'cabin', gift, now))
    expect([homes, invites]).toMatchObject([[has], [has]])
  })

  test('to nobody is refused, though others are there', () => {
    const { document } = invited(joined(EMPTY_DOCUMENT, 'cabin').document, 'lodge')
    expect(refusal(() => give(document, 'barn', gift, now))).toBe('home-missing')
    expect(reasonOf(() => give(document, 'barn', gift, now)).why).toBe('the hub has no home barn')
  })
})

test('a LAN that is granted is that home’s from now on, beside what it might announce before', () => {
  const lodge = joined(EMPTY_DOCUMENT, 'lodge')
  const { document, home } = joined(lodge.document, 'cabin', ['192.168.1.0/24'])
  const lan = ['192.168.9.0/24', '192.168.8.0/24']
  const granted = ['192.168.1.0/24', '192.168.8.0/24', '192.168.9.0/24']
  expect(readable(grantLan(document, 'cabin', lan, context))).toEqual([
    { ...document, homes: [lodge.home, { ...home, granted, lan: ['192.168.8.0/24', '192.168.9.0/24'] }] },
    null,
  ])
})
