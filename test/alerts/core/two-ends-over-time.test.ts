import { array, assert, boolean, constant, constantFrom, integer, oneof, property, record } from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import { openIncidents } from '../../../alerts/core/rules.ts'
import { untold } from '../../../alerts/core/exchange.ts'
import { fromRecord, toRecord } from '../../../alerts/record/record.ts'
import { settingsOf, twoEnds } from './two-ends.ts'

describe('the first channel', () => {
  const mute = (end: 'home' | 'hub') => settingsOf(end, { canSpeak: false })

  test.each(['home', 'hub'] as const)('of what was over before it existed the %s tells nothing', (end) => {
    const ends = twoEnds(mute('home'), mute('hub'))
    ends.cutLine(true)
    for (const trouble of ['hub-down', 'unknown'] as const) {
      ends.sign(end, trouble)
      ends.wait(120)
      ends.well(end)
      ends.wait(20)
    }
    ends.take(end, { kind: 'configured', settings: settingsOf(end) })
    ends.wait(600)
    ends.cutLine(false)
    ends.wait(1_200)
    expect(ends.said).toEqual([])
    // What comes after it is told.
    ends.cutLine(true)
    ends.sign(end, end === 'hub' ? 'home-dark' : 'hub-down')
    ends.wait(60)
    expect(ends.said).toMatchObject([{ end, what: 'down' }])
  })

  test.each(['home', 'hub'] as const)('of what lasts the %s tells, and that it is over', (end) => {
    const ends = twoEnds(mute('home'), mute('hub'))
    ends.cutLine(true)
    ends.sign(end, 'hub-down')
    ends.wait(120)
    ends.take(end, { kind: 'configured', settings: settingsOf(end) })
    ends.wait(60)
    ends.well(end)
    ends.wait(60)
    expect(ends.said.map(({ what }) => what)).toEqual(['down', 'recovered'])
  })

  test('what was well a moment before is over, although it was not certain yet', () => {
    const ends = twoEnds(mute('home'), mute('hub'))
    ends.sign('hub', 'home-dark')
    ends.wait(120)
    ends.well('hub')
    ends.wait(2)
    ends.take('hub', { kind: 'configured', settings: settingsOf('hub') })
    ends.wait(600)
    expect(ends.said).toEqual([])
  })

  test('nor is it told after a restart of the end that had nobody to tell', () => {
    const ends = twoEnds(mute('home'), mute('hub'))
    ends.sign('hub', 'home-dark')
    ends.wait(120)
    ends.well('hub')
    ends.wait(20)
    const left = ends.desks.hub.incidents.map((one) => toRecord(one, (at) => new Date(at), ends.now))
    expect(left).toMatchObject([{ silenced: true }])
    ends.desks.hub = openIncidents(
      settingsOf('hub'),
      left.map((one) => fromRecord(one, { wall: ends.now, now: ends.now })),
      ends.now,
    )
    ends.wait(600)
    expect(ends.said).toEqual([])
  })

  test('a home without one hinders no hub that has one', () => {
    const ends = twoEnds(mute('home'))
    ends.sign('home', 'flow-dead')
    ends.sign('hub', 'home-dark')
    ends.cutLine(true)
    ends.wait(20)
    ends.well('home')
    ends.wait(30)
    ends.cutLine(false)
    ends.wait(30)
    ends.well('hub')
    ends.wait(60)
    expect(ends.said.map(({ end, what }) => [end, what])).toEqual([
      ['hub', 'down'],
      ['hub', 'recovered'],
    ])
  })
})

describe('a home that is removed', () => {
  test('takes its outage along: it is over in the record, and nothing more is said, also when a home comes by its name', () => {
    const ends = twoEnds()
    ends.cutLine(true)
    ends.sign('hub', 'home-dark')
    ends.wait(120)
    expect(ends.said.map(({ what }) => what)).toEqual(['down'])
    ends.take('hub', { kind: 'homes', homes: ['barn'] })
    expect(ends.desks.hub.incidents).toEqual([])
    const last = ends.written.at(-1)!.incident
    expect(last).toMatchObject({ ended: 120_000, silenced: true, met: true, views: { hub: { ended: 120_000 } } })

    ends.desks.hub = openIncidents(settingsOf('hub'), [last], ends.now)
    ends.take('hub', { kind: 'homes', homes: ['cabin'] })
    ends.wait(600)
    expect(ends.said).toHaveLength(1)
    expect(untold(ends.desks.hub, 'cabin')).toEqual([])
  })
})

describe('what comes and goes', () => {
  test.each([
    [1.8, 1.8, 0],
    [1.8, 1.8, 30],
    [3, 0.6, 0],
    [3, 0.6, 30],
    [1, 2.6, 0],
    [1, 2.6, 30],
  ])(
    'a thousand flaps in an hour, %d s down and %d s up, told after %d s: at most five messages',
    (downSeconds, upSeconds, showAfterSeconds) => {
      const ends = twoEnds(settingsOf('home', { showAfterSeconds }))
      let due = 0
      for (let flap = 0; flap < 1_000; flap += 1) {
        ends.sign('home', 'flow-dead')
        due += downSeconds
        ends.wait(Math.max(0, Math.round(due - ends.now / 1_000)))
        ends.well('home')
        due += upSeconds
        ends.wait(Math.max(0, Math.round(due - ends.now / 1_000)))
      }
      expect(ends.now / 3_600_000).toBeCloseTo(1, 1)
      ends.wait(3_600, 30)
      expect(ends.said.length).toBeLessThanOrEqual(5)
      expect(ends.said.at(-1)?.what ?? 'recovered').toMatch(/recovered|steady/)
    },
  )

  test('the third outage within half an hour speaks for all that follow, until it was calm', () => {
    const ends = twoEnds()
    for (let time = 0; time < 10; time += 1) {
      ends.sign('home', 'flow-dead')
      ends.wait(40)
      ends.well('home')
      ends.wait(80)
    }
    ends.wait(1_000)
    expect(ends.said.map(({ what }) => what)).toEqual(['down', 'recovered', 'down', 'recovered', 'unstable', 'steady'])
    expect(ends.desks.hub.incidents.at(-1)).toMatchObject({ flaps: 7, isFlapping: true })
  })
})

test('whatever happens on the line, an incident is told once at most, and never as over before it is told', () => {
  const step = oneof(
    record({
      do: constant('sign' as const),
      trouble: constantFrom('unknown' as const, 'home-offline' as const, 'flow-dead' as const),
    }),
    record({ do: constant('well' as const) }),
    record({ do: constant('cut' as const), isCut: boolean() }),
    record({ do: constant('slow' as const), seconds: constantFrom(0, 1, 8, 20) }),
    record({ do: constant('wait' as const), seconds: integer({ min: 1, max: 90 }) }),
  )
  assert(
    property(array(step, { maxLength: 40 }), (steps) => {
      const ends = twoEnds()
      for (const one of steps) {
        // The hub hears what the home can send.
        if (one.do === 'sign') {
          ends.sign('home', one.trouble)
          ends.sign('hub', 'home-dark')
        } else if (one.do === 'well') {
          ends.well('home')
          ends.well('hub')
        } else if (one.do === 'cut') ends.cutLine(one.isCut)
        else if (one.do === 'slow') ends.slowDown(one.seconds)
        else ends.wait(one.seconds)
      }
      ends.cutLine(false)
      ends.well('home')
      ends.well('hub')
      ends.wait(4_000, 20)
      const words = ends.said.filter(({ what }) => what !== 'reminder').map(({ what }) => what)
      const kinds = words.map((what) => (what === 'down' || what === 'unstable' ? 'down' : 'over'))
      expect(kinds).toEqual(kinds.map((_, index) => (index % 2 === 0 ? 'down' : 'over')))
      for (const id of new Set(ends.said.map((one) => one.id)))
        expect(ends.said.filter((one) => one.id === id && one.what !== 'reminder').length).toBe(2)
    }),
    { numRuns: 25 },
  )
})
