import { describe, expect, test } from 'vitest'
import {
  type Book,
  darkened,
  due,
  dueWithin,
  followed,
  GROUP_MS,
  keyOf,
  NEIGHBOURS_WITHIN_MS,
  taken,
} from '../../../hub/proving/book.ts'
import type { Verdict } from '../../../hub/proving/verdict.ts'
import type { Publication } from '../../../protocol/publications.ts'
import { at, DARK, EVERY_MS, fresh, isoAt, PROVEN, publication, REFUSED } from './given.ts'

const web = publication(443)
const mail = publication(25)
const nas = publication(8080, { address: '192.168.1.30' })
const barn = publication(22, { home: 'barn' })

const bookOf = (...publications: readonly Publication[]): Book => followed(new Map(), publications, 0, () => 0)
const of = (book: Book, one: Publication) => book.get(keyOf(one))!.standing

function seen(book: Book, one: Publication, seconds: number, verdict: Verdict, times = 1): Book {
  let after = book
  for (let count = 0; count < times; count += 1)
    after = taken(after, keyOf(one), verdict, null, at(seconds + 5 * count), EVERY_MS)
  return after
}
/** All of them work since second 1. */
const working = [web, mail, nas, barn].reduce((book, one) => seen(book, one, 1, PROVEN), bookOf(web, mail, nas, barn))

test('the constants by which people are told together', () => {
  expect({ GROUP_MS, NEIGHBOURS_WITHIN_MS }).toEqual({ GROUP_MS: 30_000, NEIGHBOURS_WITHIN_MS: 5_000 })
})

describe('what is published', () => {
  test('new ones take turns, those that stay keep what is known, the others are forgotten', () => {
    const after = followed(working, [web, publication(80)], 10_000, () => 0.5)
    expect([...after.values()].map(({ publication: { port } }) => port)).toEqual([443, 80])
    expect(of(after, web)).toBe(of(working, web))
    expect(of(after, publication(80))).toEqual({ ...fresh, dueAt: 25_000 })
  })

  test('a service that moves with its name stays the same publication, and is tried at once', () => {
    const moved = { ...web, address: '192.168.1.99' }
    const before = taken(working, keyOf(web), PROVEN, 443, at(2), EVERY_MS)
    expect(of(before, web).answeredPort).toBe(443)
    const after = followed(before, [moved], 10_000, () => 0)
    expect(of(after, moved)).toMatchObject({ verdict: PROVEN, since: isoAt(1), answeredPort: null, dueAt: 10_000 })
    // Another way to see visitors is no other service.
    const hidden = { ...web, source: 'keep' } as const
    expect(
      of(
        followed(before, [hidden], 10_000, () => 0),
        hidden,
      ),
    ).toBe(of(before, web))
  })

  test('one that is taken back and published again is another', () => {
    const again = { ...web, addedAt: isoAt(50) }
    expect(
      of(
        followed(working, [again], 60_000, () => 0),
        again,
      ).verdict,
    ).toBeNull()
  })

  test('what was known before a restart is known, and tried in turn', () => {
    const known = { ...fresh, verdict: PROVEN, since: isoAt(-50), dueAt: 99 }
    const after = followed(
      new Map(),
      [web, mail],
      10_000,
      () => 0.5,
      (key) => (key === keyOf(web) ? known : null),
    )
    expect(of(after, web)).toEqual({ ...known, dueAt: 25_000 })
    expect(of(after, mail).verdict).toBeNull()
  })
})

describe('a check', () => {
  test('is due in turn, of homes that are heard', () => {
    const book = followed(
      new Map(),
      [web, mail, barn],
      0,
      (() => {
        const order = [0.3, 0.1, 0.2]
        return () => order.shift()!
      })(),
    )
    const ports = (keys: readonly string[]) => keys.map((key) => book.get(key)!.publication.port)
    expect(ports(due(book, () => true, 5_000))).toEqual([25])
    expect(ports(due(book, () => true, 9_000))).toEqual([25, 22, 443])
    expect(ports(due(book, (home) => home === 'barn', 9_000))).toEqual([22])
  })

  test('is due earlier when the pause becomes shorter', () => {
    expect(of(dueWithin(working, 2_000, 30_000), web).dueAt).toBe(32_000)
    expect(of(dueWithin(working, 2_000, 900_000), web).dueAt).toBe(301_000)
  })

  test('of what is not published any more changes nothing', () => {
    expect(taken(working, keyOf(publication(1)), PROVEN, null, at(1), EVERY_MS)).toBe(working)
  })

  test('remembers which port answered, until another does', () => {
    const once = taken(working, keyOf(web), PROVEN, 444, at(2), EVERY_MS)
    expect(of(once, web).answeredPort).toBe(444)
    expect(of(seen(once, web, 3, REFUSED), web).answeredPort).toBe(444)
  })

  test('that finds something else has the other publications of that host tried within seconds', () => {
    const after = seen(working, web, 100, REFUSED, 3)
    expect(of(after, mail).dueAt).toBeGreaterThanOrEqual(110_000)
    expect(of(after, mail).dueAt).toBeLessThan(115_000)
    expect(of(after, web).dueAt).toBe(130_000)
    for (const one of [nas, barn]) expect(of(after, one)).toBe(of(working, one))
    // Until it is confirmed they wait.
    expect(of(seen(working, web, 100, REFUSED, 2), mail)).toBe(of(working, mail))
    const back = seen(seen(after, mail, 112, PROVEN), web, 200, PROVEN)
    expect(of(back, mail).dueAt).toBeLessThan(205_000)
  })
})

describe('people are told together', () => {
  const first = seen(working, web, 100, REFUSED, 3)

  test('of one publication under its own name', () => {
    expect(of(first, web).group).toEqual({ name: '443/tcp', at: 110_000 })
  })

  test('of what fails within half a minute, whichever its host, and not of another home', () => {
    const both = seen(first, nas, 120, REFUSED, 3)
    expect(of(both, nas).group).toEqual({ name: '443/tcp', at: 110_000 })
    expect(of(seen(both, barn, 120, REFUSED, 3), barn).group).toEqual({ name: '22/tcp', at: 130_000 })
  })

  test('not of what fails later', () => {
    expect(of(seen(first, nas, 130, REFUSED, 3), nas).group?.name).toBe('443/tcp')
    expect(of(seen(first, nas, 131, REFUSED, 3), nas).group?.name).toBe('8080/tcp')
  })

  test('of nothing that never worked', () => {
    expect(of(seen(bookOf(web), web, 100, REFUSED, 3), web)).toMatchObject({ verdict: REFUSED, group: null })
  })
})

test('a home that is not heard: nothing of it is proven, and nothing of others changes', () => {
  const dark = darkened(working, 'cabin', DARK.kind === 'failing' ? DARK.why : '', at(50))
  for (const one of [web, mail, nas]) expect(of(dark, one)).toMatchObject({ verdict: DARK, since: isoAt(50) })
  expect(of(dark, barn)).toBe(of(working, barn))
  expect(darkened(dark, 'cabin', 'again', at(60))).toBe(dark)
})
