import { describe, expect, test } from 'vitest'
import { nextDesk, openDesk } from '../../../alerts/core/desk.ts'
import type { Desk } from '../../../alerts/core/state.ts'
import { someDesk, someIncident } from './some.ts'
import { settingsOf } from './two-ends.ts'
import { next, sign, passing } from './given-desk.ts'

describe('an end at its start', () => {
  test('has nothing, and has always had somebody to tell, or never', () => {
    const desk = openDesk(settingsOf('home'), [], 100)
    expect(desk).toMatchObject({ speaksSince: -Infinity, incidents: [], begun: {}, told: {}, reports: {} })
    expect(openDesk(settingsOf('home', { canSpeak: false }), [], 100).speaksSince).toBe(Infinity)
  })

  test('asks the hub for what it missed after 20 s, at home alone', () => {
    const isAsking = (end: 'home' | 'hub', now: number) =>
      next(openDesk(settingsOf(end), [], 100), { kind: 'tick' }, now).kinds.includes('exchange')
    expect(isAsking('home', 20_099)).toBe(false)
    expect(isAsking('home', 20_100)).toBe(true)
    expect(isAsking('hub', 90_000)).toBe(false)
  })

  test('has asked for nothing yet', () => {
    expect(openDesk(settingsOf('home'), [], 100).exchange).toMatchObject({
      isUnderWay: false,
      given: {},
      hasAsked: false,
      failures: 0,
      hasClaimed: false,
    })
  })
})

describe('signs of trouble', () => {
  test('begin an incident of that home and scope, seen by this end since then', () => {
    const { desk } = next(someDesk('hub'), sign({ since: -28_000 }), 0)
    expect(desk.incidents).toEqual([someIncident({ id: 'new', seenBy: 'hub', began: -28_000, isWritten: true })])
    const more = [sign({ home: 'barn' }), sign({ scope: 'agent' }), sign({}), sign({ home: 'barn' })]
    const last = more.reduce((one, event) => next(one, event, 0).desk, desk)
    expect(last.incidents.map(({ home, scope }) => [home, scope])).toEqual([
      ['cabin', 'tunnel'],
      ['barn', 'tunnel'],
      ['cabin', 'agent'],
    ])
  })

  test('of what is over begin another', () => {
    const desk = someDesk('hub', { incidents: [someIncident({ seenBy: 'hub', ended: 0 })] })
    expect(next(desk, sign({}), 1).desk.incidents.map(({ id }) => id)).toEqual(['one', 'new'])
  })

  test('while it seemed well count as once more', () => {
    const desk = someDesk('home', { incidents: [someIncident({ wellSince: 3_000, flaps: 1 })] })
    const { desk: after } = next(desk, sign({ trouble: 'udp-blocked' }), 4_000)
    expect(after.incidents).toMatchObject([{ id: 'one', wellSince: null, flaps: 2, causes: [{}, { at: 4_000 }] }])
    expect(next(after, sign({}), 5_000).desk.incidents[0]?.flaps).toBe(2)
  })

  test('on the hub add its view to what the home reported, once', () => {
    const desk = someDesk('hub', { incidents: [someIncident()] })
    const { desk: after } = next(desk, sign({ trouble: 'home-dark', since: 2_000 }), 3_000)
    const views = { home: { began: 0, ended: null }, hub: { began: 2_000, ended: null } }
    expect(after.incidents[0]?.views).toEqual(views)
    expect(next(after, sign({ since: 2_500 }), 3_500).desk.incidents[0]?.views).toEqual(views)
  })
})

describe('what was wrong and is well again', () => {
  test('is an incident that ends with its beginning', () => {
    const { desk } = next(someDesk('home'), passing('mapping-changed'), 1_000)
    expect(desk.incidents).toEqual([
      someIncident({ id: 'new', trouble: 'mapping-changed', began: 1_000, wellSince: 1_000 }),
    ])
    expect(next(desk, { kind: 'tick' }, 6_000).desk.incidents).toMatchObject([{ ended: 1_000 }])
  })

  test('explains what has no explanation, and nothing else', () => {
    const causes = (trouble: 'unknown' | 'flow-dead', scope: 'tunnel' | 'router' = 'tunnel') =>
      next(
        someDesk('home', { incidents: [someIncident({ trouble, scope })] }),
        passing('mapping-changed'),
        1_000,
      ).desk.incidents.map((one) => one.causes.map((cause) => cause.trouble))
    expect(causes('unknown')).toEqual([['unknown', 'mapping-changed']])
    expect(causes('flow-dead')).toEqual([['flow-dead']])
    expect(causes('unknown', 'router')).toEqual([['unknown'], ['mapping-changed']])
  })
})

describe('while an outage lasts', () => {
  test('what is tried and where the tunnel went is noted with it, from the first address on', () => {
    const tried = { remedy: 'rebind', cause: 'flow-dead', helped: false, seconds: 2 }
    const both = [someIncident({ scope: 'router', id: 'r' }), someIncident()]
    let { desk } = next(someDesk('home', { incidents: both }), { kind: 'tried', home: 'cabin', tried }, 1_000)
    desk = next(desk, { kind: 'moved', home: 'cabin', before: 'a:1', after: 'b:2' }, 1_000).desk
    desk = next(desk, { kind: 'moved', home: 'cabin', before: 'b:2', after: 'c:3' }, 1_000).desk
    expect(desk.incidents).toEqual([
      both[0],
      someIncident({ tried: [tried], mapping: { before: 'a:1', after: 'c:3' } }),
    ])
  })

  test('and nowhere when none does', () => {
    const over = [someIncident({ ended: 500 })]
    const desk = someDesk('home', { incidents: over })
    const tried = { remedy: 'rebind', cause: 'flow-dead', helped: true, seconds: 2 }
    expect(next(desk, { kind: 'tried', home: 'cabin', tried }, 1_000).desk.incidents).toEqual(over)
    const moved = { kind: 'moved', home: 'cabin', before: null, after: 'b:2' } as const
    expect(next(desk, moved, 1_000).desk.incidents).toEqual(over)
  })

  test('it is written down after ten seconds, once', () => {
    const desk = someDesk('hub', { incidents: [someIncident({ seenBy: 'hub' })] })
    expect(next(desk, { kind: 'tick' }, 9_999).acts).toEqual([])
    const { desk: after, acts } = next(desk, { kind: 'tick' }, 10_000)
    expect(acts).toEqual([{ kind: 'write', incident: someIncident({ seenBy: 'hub', isWritten: true }) }])
    expect(next(after, { kind: 'tick' }, 11_000).acts).toEqual([])
    // What is over was written with its end.
    const over = someDesk('hub', { incidents: [someIncident({ seenBy: 'hub', ended: 20_000 })] })
    expect(next(over, { kind: 'tick' }, 21_000).acts).toEqual([])
  })
})

describe('an outage is over', () => {
  const well = (since: number) => ({ kind: 'well', home: 'cabin', scope: 'tunnel', since }) as const
  const endedAt = (desk: Desk, now: number) => next(desk, { kind: 'tick' }, now).desk.incidents[0]?.ended

  test('when it was well for five seconds, since it first was', () => {
    let { desk } = next(someDesk('home', { incidents: [someIncident()] }), well(2_000), 3_000)
    desk = next(desk, well(4_000), 4_000).desk
    expect(endedAt(desk, 6_999)).toBeNull()
    const { desk: after, acts } = next(desk, { kind: 'tick' }, 7_000)
    const over = someIncident({
      wellSince: 2_000,
      ended: 2_000,
      views: { home: { began: 0, ended: 2_000 }, hub: null },
    })
    expect(after.incidents).toEqual([over])
    expect(acts.slice(0, 2)).toEqual([
      { kind: 'write', incident: over },
      { kind: 'over', incident: over },
    ])
    expect(next(after, { kind: 'tick' }, 8_000).kinds).not.toContain('over')
  })

  test('not before it began, whatever the sign of its end says', () => {
    const { desk } = next(someDesk('home', { incidents: [someIncident({ began: 2_500 })] }), well(1_000), 3_000)
    expect(desk.incidents[0]?.wellSince).toBe(2_500)
  })

  test('that all is well where nothing is wrong changes nothing', () => {
    const desk = someDesk('home', { incidents: [someIncident({ scope: 'router' })] })
    expect(nextDesk(desk, well(1), 90_000)).toEqual([desk, []])
    expect(nextDesk(desk, well(1), 90_000)[0]).toBe(desk)
  })

  test('as the hub sees it, before the home has said so too', () => {
    const views = { home: { began: 0, ended: null }, hub: { began: 1_000, ended: null } }
    const desk = someDesk('hub', {
      incidents: [someIncident({ views, wellSince: 2_000, isWritten: true })],
      reports: { cabin: { at: 1_500, canSpeak: false } },
    })
    const { desk: after, acts } = next(desk, { kind: 'tick' }, 7_000)
    expect(acts).toEqual([])
    const halfOver = { home: views.home, hub: { began: 1_000, ended: 2_000 } }
    expect(after.incidents).toEqual([someIncident({ views: halfOver, wellSince: 2_000, isWritten: true })])
    // The home never says so.
    expect(endedAt(after, 901_499)).toBeNull()
    expect(endedAt(after, 901_500)).toBe(2_000)
  })

  test('for the hub too when it has only heard of it', () => {
    const desk = someDesk('hub', { incidents: [someIncident({ wellSince: 2_000 })] })
    const [over] = next(desk, { kind: 'tick' }, 7_000).desk.incidents
    expect(over).toMatchObject({ ended: 2_000, views: { home: { began: 0, ended: null }, hub: null } })
  })

  test('and silenced with its end when nobody would have heard of it', () => {
    const desk = someDesk('home', { incidents: [someIncident({ wellSince: 2_000 })], speaksSince: 2_001 })
    const { desk: after, acts } = next(desk, { kind: 'tick' }, 7_000)
    expect(after.incidents).toMatchObject([{ ended: 2_000, silenced: true }])
    expect(acts[0]).toEqual({ kind: 'write', incident: after.incidents[0] })
  })

  test.each([
    ['the first of three', 3, [1_000], 5_000],
    ['the second of three', 3, [0, 1_000], 60_000],
    ['the second of four', 4, [0, 1_000], 5_000],
    ['the first of two', 2, [1_000], 5_000],
    ['one of those that had a harmless beginning', 3, [], 5_000],
  ] as const)('after a longer calm when the next would make the line unstable: %s', (_, outages, begun, calmMs) => {
    const settings = { ...settingsOf('home'), unstable: { outages, withinMs: 1_800_000, calmMs: 900_000 } }
    const incidents = [someIncident({ began: 1_000, wellSince: 2_000 })]
    const desk = someDesk('home', { settings, incidents, begun: { 'cabin/tunnel': begun, 'barn/tunnel': [1, 2] } })
    expect(endedAt(desk, 2_000 + calmMs - 1)).toBeNull()
    expect(endedAt(desk, 2_000 + calmMs)).toBe(2_000)
  })

  test('on an unstable line after a quarter of an hour', () => {
    const desk = someDesk('home', { incidents: [someIncident({ wellSince: 2_000, isUnstable: true })] })
    expect(endedAt(desk, 901_999)).toBeNull()
    expect(endedAt(desk, 902_000)).toBe(2_000)
  })
})
