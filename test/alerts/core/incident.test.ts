import { array, assert, constantFrom, property } from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import { lastedMs, named, newIncident, noteTried, type Tried, troubleOf } from '../../../alerts/core/incident.ts'
import { someIncident } from './some.ts'

describe('an incident at its beginning', () => {
  test('is seen by the end that saw it, has one cause, and nothing of it was told, written or compared', () => {
    const of = { id: 'one', home: 'cabin', scope: 'tunnel', began: 5, trouble: 'flow-dead' } as const
    expect(newIncident({ ...of, seenBy: 'home' })).toEqual({
      id: 'one',
      alias: null,
      subject: null,
      failing: [],
      home: 'cabin',
      scope: 'tunnel',
      began: 5,
      ended: null,
      wellSince: null,
      flaps: 0,
      isFlapping: false,
      causes: [{ trouble: 'flow-dead', at: 5 }],
      tried: [],
      mapping: { before: null, after: null },
      views: { home: { began: 5, ended: null }, hub: null },
      said: { down: null, recovered: null, remindedAt: null },
      silenced: false,
      drillUntil: null,
      isWritten: false,
      met: false,
    })
    expect(newIncident({ ...of, seenBy: 'hub' }).views).toEqual({ home: null, hub: { began: 5, ended: null } })
  })
})

describe('what it is', () => {
  test.each([
    [['unknown'], 'unknown'],
    [['home-dark'], 'home-dark'],
    [['unknown', 'home-dark'], 'home-dark'],
    [['flow-dead', 'home-dark'], 'flow-dead'],
    [['flow-dead', 'unknown'], 'flow-dead'],
    [['flow-dead', 'udp-blocked'], 'udp-blocked'],
    [['agent-silent', 'flow-dead', 'home-dark', 'unknown'], 'flow-dead'],
    [[], 'unknown'],
  ] as const)('%j is %s', (causes, trouble) => {
    const incident = someIncident({ causes: causes.map((one, at) => ({ trouble: one, at })) })
    expect(troubleOf(incident)).toBe(trouble)
  })
})

describe('how its cause changed', () => {
  test('another cause is added with its moment', () => {
    const causes = [
      { trouble: 'flow-dead', at: 0 },
      { trouble: 'udp-blocked', at: 7 },
    ] as const
    expect(named(someIncident({ flaps: 2 }), 'udp-blocked', 7)).toEqual(someIncident({ flaps: 2, causes }))
  })

  test('the same one again is no change, and one that comes back is', () => {
    const one = someIncident()
    expect(named(one, 'flow-dead', 7)).toBe(one)
    const back = named(named(one, 'udp-blocked', 7), 'flow-dead', 8)
    expect(back.causes.map(({ trouble }) => trouble)).toEqual(['flow-dead', 'udp-blocked', 'flow-dead'])
  })

  test('what is not known replaces nothing', () => {
    const one = someIncident()
    expect(named(one, 'unknown', 7)).toBe(one)
    expect(named(someIncident({ causes: [] }), 'unknown', 7).causes).toEqual([{ trouble: 'unknown', at: 7 }])
  })

  test('sixteen are kept: the beginning, and the newest in place of the last', () => {
    let incident = someIncident({ flaps: 2 })
    const next = (count: number) => (count % 2 === 0 ? 'flow-dead' : 'udp-blocked')
    for (let count = 1; count < 16; count += 1) incident = named(incident, next(count), count)
    expect(incident.causes.map(({ at }) => at)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    incident = named(incident, 'home-dark', 16)
    expect(incident).toMatchObject({ id: 'one', flaps: 2 })
    expect(incident.causes.at(-1)).toEqual({ trouble: 'home-dark', at: 16 })
    expect(incident.causes.map(({ at }) => at)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16])
  })

  test('whatever is named, no cause follows itself and no more than sixteen are kept', () => {
    const troubles = array(constantFrom('unknown' as const, 'home-dark' as const, 'flow-dead' as const), {
      maxLength: 60,
    })
    assert(
      property(troubles, (all) => {
        const { causes } = all.reduce((one, trouble, at) => named(one, trouble, at), someIncident())
        expect(causes.length).toBeLessThanOrEqual(16)
        // The last of sixteen makes room, so only that one may be like the one before.
        for (const [index, cause] of causes.slice(0, 15).entries())
          expect(cause.trouble).not.toBe(causes.slice(0, 15)[index + 1]?.trouble)
      }),
      { numRuns: 50 },
    )
  })
})

test('of what was tried the last thirty-two are kept', () => {
  const tries = Array.from(
    { length: 33 },
    (_, index): Tried => ({
      remedy: `r${index}`,
      cause: 'flow-dead',
      helped: false,
      seconds: 1,
    }),
  )
  const incident = tries.reduce(noteTried, someIncident({ flaps: 2 }))
  expect(incident).toEqual(someIncident({ flaps: 2, tried: tries.slice(1) }))
  expect(tries.slice(0, 32).reduce(noteTried, someIncident()).tried).toEqual(tries.slice(0, 32))
})

test('it lasted from its first sign to its end, or until now', () => {
  expect(lastedMs({ began: 3, ended: 10 }, 100)).toBe(7)
  expect(lastedMs({ began: 3, ended: null }, 100)).toBe(97)
})
