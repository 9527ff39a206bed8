import { describe, expect, test } from 'vitest'
import { type Book, keyOf } from '../../../hub/proving/book.ts'
import type { Standing } from '../../../hub/proving/standing.ts'
import { failingGroups, listedStanding, outcomeOf, worstFirst } from '../../../hub/proving/tellings.ts'
import type { Publication } from '../../../protocol/publications.ts'
import { fresh, isoAt, PROVEN, publication, REFUSED, SILENT, TAKEN } from './given.ts'

const bookOf = (...entries: readonly (readonly [Publication, Partial<Standing>])[]): Book =>
  new Map(entries.map(([one, more]) => [keyOf(one), { publication: one, standing: { ...fresh, ...more } }]))
const group = { name: '443/tcp', at: 0 }
const [web, mail, nas] = [publication(443), publication(25), publication(8080, { address: '192.168.1.30' })]

test('a group has all that fail together, since the first of them, each with its link and reason', () => {
  const book = bookOf(
    [web, { verdict: REFUSED, since: isoAt(20), group }],
    [mail, { verdict: TAKEN, since: isoAt(10), group }],
    [nas, { verdict: REFUSED, since: isoAt(5), group: { name: '8080/tcp', at: 0 } }],
    [publication(1), { verdict: REFUSED, since: isoAt(5) }],
    [publication(443, { home: 'barn' }), { verdict: REFUSED, since: isoAt(7), group }],
  )
  expect(failingGroups(book)).toEqual([
    {
      home: 'cabin',
      subject: '443/tcp',
      since: isoAt(10),
      failing: [
        { published: '443/tcp', target: '192.168.1.20:443', link: 'service', why: 'nothing listens there' },
        { published: '25/tcp', target: '192.168.1.20:25', link: 'hub', why: 'table ip nat takes it' },
      ],
    },
    {
      home: 'cabin',
      subject: '8080/tcp',
      since: isoAt(5),
      failing: [{ published: '8080/tcp', target: '192.168.1.30:8080', link: 'service', why: 'nothing listens there' }],
    },
    {
      home: 'barn',
      subject: '443/tcp',
      since: isoAt(7),
      failing: [{ published: '443/tcp', target: '192.168.1.20:443', link: 'service', why: 'nothing listens there' }],
    },
  ])
})

describe('an incident that no group stands for any more', () => {
  test('is over when all of it works, as far as can be told', () => {
    const book = bookOf([web, { verdict: PROVEN }], [mail, { verdict: SILENT }])
    expect(outcomeOf(book, 'cabin', ['443/tcp', '25/tcp'])).toBe('well')
  })

  test('is over when what is still published of it works', () => {
    expect(outcomeOf(bookOf([web, { verdict: PROVEN }]), 'cabin', ['443/tcp', '25/tcp'])).toBe('well')
  })

  test('lasts while something of it fails, or is not tried yet', () => {
    for (const verdict of [REFUSED, null])
      expect(outcomeOf(bookOf([web, { verdict: PROVEN }], [mail, { verdict }]), 'cabin', ['443/tcp', '25/tcp'])).toBe(
        'open',
      )
  })

  test('is of no interest when nothing of it is published any more', () => {
    expect(outcomeOf(bookOf([web, { verdict: PROVEN }]), 'cabin', ['25/tcp'])).toBe('gone')
    expect(outcomeOf(bookOf([web, { verdict: PROVEN }]), 'barn', ['443/tcp'])).toBe('gone')
  })
})

test.each([
  [{}, { state: 'unknown', since: null, provenAt: null, why: 'it is not checked yet' }],
  [
    { verdict: PROVEN, since: isoAt(1), provenAt: isoAt(9) },
    { state: 'proven', since: isoAt(1), provenAt: isoAt(9) },
  ],
  [
    { verdict: SILENT, since: isoAt(1) },
    { state: 'unknown', since: isoAt(1), provenAt: null, why: 'no data came back' },
  ],
  [
    { verdict: TAKEN, since: isoAt(1), provenAt: isoAt(0) },
    { state: 'failing', since: isoAt(1), provenAt: isoAt(0), link: 'hub', why: 'table ip nat takes it' },
  ],
] as const)('it is listed: %#', (standing, listed) => {
  expect(listedStanding({ ...fresh, ...standing })).toEqual(listed)
})

test('a home hears first of what fails, then of what is not known, then of the rest by port', () => {
  const book = bookOf(
    [publication(4), { verdict: PROVEN }],
    [publication(3), { verdict: PROVEN }],
    [publication(2), { verdict: SILENT }],
    [publication(1), {}],
    [publication(5), { verdict: REFUSED }],
  )
  expect([...book.values()].toSorted(worstFirst).map((one) => one.publication.port)).toEqual([5, 1, 2, 3, 4])
})
