import { describe, expect, test } from 'vitest'
import {
  AGAIN_MS,
  CONFIRMED_BY,
  FAILING_MS,
  FIRST_WITHIN_MS,
  interrupted,
  isNews,
  isTurn,
  judged,
  newStanding,
  type Standing,
} from '../../../hub/proving/standing.ts'
import { localTime } from '../../../system/time/local-time.ts'
import type { Verdict } from '../../../hub/proving/verdict.ts'
import { at, DARK, EVERY_MS, fresh, isoAt, PROVEN, REFUSED, SILENT, TAKEN } from './given.ts'

/** Judges verdicts that come at these seconds. */
function after(before: Standing, ...seen: readonly (readonly [number, Verdict])[]): Standing {
  return seen.reduce((standing, [seconds, verdict]) => judged(standing, verdict, at(seconds), EVERY_MS), before)
}
const thrice = (from: number, verdict: Verdict) => [0, 5, 10].map((seconds) => [from + seconds, verdict] as const)

const proven = after(fresh, [10, PROVEN])
const failing = after(proven, ...thrice(100, REFUSED))

test('the constants that people and neighbours feel', () => {
  expect({ CONFIRMED_BY, AGAIN_MS, FAILING_MS, FIRST_WITHIN_MS }).toEqual({
    CONFIRMED_BY: 3,
    AGAIN_MS: 5_000,
    FAILING_MS: 20_000,
    FIRST_WITHIN_MS: 30_000,
  })
})

test('first checks take turns within half a minute', () => {
  expect(newStanding({ now: 7, random: 0 }).dueAt).toBe(7)
  expect(newStanding({ now: 7, random: 0.5 }).dueAt).toBe(15_007)
})

describe('data that comes back', () => {
  test('counts at once, and since then', () => {
    expect(proven).toMatchObject({ verdict: PROVEN, since: isoAt(10), provenAt: isoAt(10), worked: true, doubt: null })
  })

  test('again and again leaves the time since when, and moves the time of the last proof', () => {
    expect(after(proven, [310, PROVEN], [610, PROVEN])).toMatchObject({
      since: isoAt(10),
      provenAt: isoAt(610),
      checks: 3,
    })
  })

  test('is looked for again after the usual pause, a tenth to either side', () => {
    expect([0, 0.5, 0.999].map((random) => judged(fresh, PROVEN, at(0, random), EVERY_MS).dueAt)).toEqual([
      270_000, 300_000, 329_940,
    ])
  })

  test('after a failure it is proven anew, and people were told of nothing that lasts', () => {
    expect(after({ ...failing, group: { name: '443/tcp', at: 0 } }, [200, PROVEN])).toMatchObject({
      verdict: PROVEN,
      since: isoAt(200),
      group: null,
      checks: 1,
    })
  })
})

describe('a failure', () => {
  test('counts when it was seen thrice in a row, since the first of them', () => {
    expect(after(proven, [100, REFUSED])).toMatchObject({ verdict: PROVEN, doubt: { checks: 1, since: isoAt(100) } })
    expect(after(proven, [100, REFUSED], [105, REFUSED])).toMatchObject({ verdict: PROVEN, since: isoAt(10) })
    expect(failing).toMatchObject({ verdict: REFUSED, since: isoAt(100), provenAt: isoAt(10), doubt: null })
  })

  test('is looked at again after five seconds until then', () => {
    expect(after(proven, [100, REFUSED]).dueAt).toBe(105_000)
    expect(after(proven, [100, REFUSED], [105, REFUSED]).dueAt).toBe(110_000)
  })

  test('that one answer interrupts begins again', () => {
    const twice = after(proven, [100, REFUSED], [105, REFUSED], [110, PROVEN])
    expect(twice).toMatchObject({ verdict: PROVEN, since: isoAt(10), doubt: null })
    expect(after(twice, [115, REFUSED], [120, REFUSED]).verdict).toEqual(PROVEN)
  })

  test('of different kinds in a row is one, by the last reason', () => {
    expect(after(proven, [100, REFUSED], [105, TAKEN], [110, TAKEN])).toMatchObject({
      verdict: TAKEN,
      since: isoAt(100),
    })
  })

  test('is tried again soon, then more rarely, and never more rarely than what works', () => {
    const dues: number[] = []
    let standing = failing
    for (let seconds = 130; dues.length < 6; seconds = standing.dueAt / 1_000) {
      dues.push(standing.dueAt)
      standing = after(standing, [seconds, REFUSED])
    }
    const pauses = dues.map((due, index) => due - (index === 0 ? 110_000 : index === 1 ? 130_000 : dues[index - 1]!))
    expect(pauses).toEqual([20_000, 40_000, 80_000, 160_000, 300_000, 300_000])
  })

  test('keeps its time when the reason changes, and people read the present one', () => {
    expect(after(failing, [140, TAKEN])).toMatchObject({ verdict: TAKEN, since: isoAt(100) })
  })

  test('counts from the beginning on too, after three', () => {
    expect(after(fresh, [1, REFUSED], [6, REFUSED])).toMatchObject({ verdict: null })
    expect(after(fresh, ...thrice(1, REFUSED))).toMatchObject({ verdict: REFUSED, since: isoAt(1), worked: false })
  })
})

describe('silence', () => {
  test('from the beginning is unknown at once, and speaks not against the service', () => {
    expect(after(fresh, [3, SILENT])).toMatchObject({ verdict: SILENT, since: isoAt(3), worked: true, provenAt: null })
    expect(after(fresh, [3, SILENT]).dueAt).toBe(3_000 + EVERY_MS)
  })

  test('of a service that answered with data before is a failure, once confirmed, and says until when it answered', () => {
    expect(after(proven, [100, SILENT], [105, SILENT]).verdict).toEqual(PROVEN)
    const silent = after(proven, ...thrice(100, SILENT))
    expect(silent.verdict).toEqual({
      kind: 'failing',
      link: 'service',
      why: `it answered until ${localTime('2026-11-30T03:00:10Z')}, and no longer answers; no data came back`,
    })
    expect(silent.since).toBe(isoAt(100))
  })

  test('after refusals is unknown again, once confirmed', () => {
    const refused = after(fresh, [3, SILENT], ...thrice(50, REFUSED))
    expect(refused.verdict).toEqual(REFUSED)
    expect(after(refused, [100, SILENT], [105, SILENT]).verdict).toEqual(REFUSED)
    expect(after(refused, ...thrice(100, SILENT))).toMatchObject({ verdict: SILENT, since: isoAt(100) })
  })
})

describe('a home that is not heard', () => {
  const dark = interrupted(proven, 'its tunnel is down', at(50))

  test('has nothing proven, and is tried at once when it is back', () => {
    expect(dark).toMatchObject({ verdict: DARK, since: isoAt(50), provenAt: isoAt(10), dueAt: 50_000 })
    expect(after(dark, [90, PROVEN])).toMatchObject({ verdict: PROVEN, since: isoAt(90) })
  })

  test('changes nothing of what failed already, or was never tried', () => {
    expect(interrupted(failing, 'its tunnel is down', at(150))).toBe(failing)
    expect(interrupted(fresh, 'its tunnel is down', at(150))).toBe(fresh)
    expect(interrupted(dark, 'its tunnel is down', at(150))).toBe(dark)
  })

  test('leaves a failure of its service what it is, when a check meets the silence', () => {
    expect(after(failing, ...thrice(150, DARK))).toMatchObject({ verdict: REFUSED, dueAt: 165_000 })
  })

  test('is back, and its service is not: that counts after three checks', () => {
    expect(after(dark, [90, REFUSED], [95, REFUSED]).verdict).toEqual(DARK)
    expect(after(dark, ...thrice(90, REFUSED))).toMatchObject({ verdict: REFUSED, since: isoAt(90) })
  })
})

describe('people hear', () => {
  const dark = interrupted(proven, 'its tunnel is down', at(50))

  test.each([
    ['what was proven fails', proven, failing, true],
    ['what was silent is refused', after(fresh, [3, SILENT]), after(fresh, [3, SILENT], ...thrice(9, REFUSED)), true],
    ['what never worked fails', fresh, after(fresh, ...thrice(1, REFUSED)), false],
    ['the home is dark', proven, dark, false],
    ['the home is back, its service is not', dark, after(dark, ...thrice(90, REFUSED)), true],
    ['what failed fails', failing, after(failing, [200, TAKEN]), false],
    ['what failed works', failing, after(failing, [200, PROVEN]), false],
  ])('%s: %#', (_, before, now, isIt) => {
    expect(isNews(before, now)).toBe(isIt)
  })

  test('neighbours are looked at where something begins to fail, or works again', () => {
    expect(isTurn(proven, failing)).toBe(true)
    expect(isTurn(failing, after(failing, [200, PROVEN]))).toBe(true)
    expect(isTurn(proven, after(proven, [200, PROVEN]))).toBe(false)
    expect(isTurn(fresh, proven)).toBe(false)
  })
})
