import { describe, expect, test } from 'vitest'
import { nextIncidents, openIncidents } from '../../../alerts/core/rules.ts'
import type { IncidentState } from '../../../alerts/core/state.ts'
import { someDesk, someIncident } from './some.ts'
import { settingsOf } from './two-ends.ts'
import { next, sign, passing } from './given-state.ts'

describe('an end at its start', () => {
  test('has nothing, and has always had somebody to tell, or never', () => {
    const state = openIncidents(settingsOf('home'), [], 100)
    expect(state).toMatchObject({ speaksSince: -Infinity, incidents: [], begun: {}, told: {}, reports: {} })
    expect(openIncidents(settingsOf('home', { canSpeak: false }), [], 100).speaksSince).toBe(Infinity)
  })

  test('asks the hub for what it missed after 20 s, at home alone', () => {
    const isAsking = (end: 'home' | 'hub', now: number) =>
      next(openIncidents(settingsOf(end), [], 100), { kind: 'tick' }, now).kinds.includes('exchange')
    expect(isAsking('home', 20_099)).toBe(false)
    expect(isAsking('home', 20_100)).toBe(true)
    expect(isAsking('hub', 90_000)).toBe(false)
  })

  test('has asked for nothing yet', () => {
    expect(openIncidents(settingsOf('home'), [], 100).exchange).toMatchObject({
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
    const { state } = next(someDesk('hub'), sign({ since: -28_000 }), 0)
    expect(state.incidents).toEqual([someIncident({ id: 'new', seenBy: 'hub', began: -28_000, isWritten: true })])
    const more = [sign({ home: 'barn' }), sign({ scope: 'agent' }), sign({}), sign({ home: 'barn' })]
    const last = more.reduce((one, event) => next(one, event, 0).state, state)
    expect(last.incidents.map(({ home, scope }) => [home, scope])).toEqual([
      ['cabin', 'tunnel'],
      ['barn', 'tunnel'],
      ['cabin', 'agent'],
    ])
  })

  test('of what is over begin another', () => {
    const state = someDesk('hub', { incidents: [someIncident({ seenBy: 'hub', ended: 0 })] })
    expect(next(state, sign({}), 1).state.incidents.map(({ id }) => id)).toEqual(['one', 'new'])
  })

  test('while it seemed well count as once more', () => {
    const state = someDesk('home', { incidents: [someIncident({ wellSince: 3_000, flaps: 1 })] })
    const { state: after } = next(state, sign({ trouble: 'udp-blocked' }), 4_000)
    expect(after.incidents).toMatchObject([{ id: 'one', wellSince: null, flaps: 2, causes: [{}, { at: 4_000 }] }])
    expect(next(after, sign({}), 5_000).state.incidents[0]?.flaps).toBe(2)
  })

  test('on the hub add its view to what the home reported, once', () => {
    const state = someDesk('hub', { incidents: [someIncident()] })
    const { state: after } = next(state, sign({ trouble: 'home-dark', since: 2_000 }), 3_000)
    const views = { home: { began: 0, ended: null }, hub: { began: 2_000, ended: null } }
    expect(after.incidents[0]?.views).toEqual(views)
    expect(next(after, sign({ since: 2_500 }), 3_500).state.incidents[0]?.views).toEqual(views)
  })
})

describe('what was wrong and is well again', () => {
  test('is an incident that ends with its beginning', () => {
    const { state } = next(someDesk('home'), passing('mapping-changed'), 1_000)
    expect(state.incidents).toEqual([
      someIncident({ id: 'new', trouble: 'mapping-changed', began: 1_000, wellSince: 1_000 }),
    ])
    expect(next(state, { kind: 'tick' }, 6_000).state.incidents).toMatchObject([{ ended: 1_000 }])
  })

  test('explains what has no explanation, and nothing else', () => {
    const causes = (trouble: 'unknown' | 'flow-dead', scope: 'tunnel' | 'router' = 'tunnel') =>
      next(
        someDesk('home', { incidents: [someIncident({ trouble, scope })] }),
        passing('mapping-changed'),
        1_000,
      ).state.incidents.map((one) => one.causes.map((cause) => cause.trouble))
    expect(causes('unknown')).toEqual([['unknown', 'mapping-changed']])
    expect(causes('flow-dead')).toEqual([['flow-dead']])
    expect(causes('unknown', 'router')).toEqual([['unknown'], ['mapping-changed']])
  })
})

describe('while an outage lasts', () => {
  test('what is tried and where the tunnel went is noted with it, from the first address on', () => {
    const tried = { remedy: 'rebind', cause: 'flow-dead', helped: false, seconds: 2 }
    const both = [someIncident({ scope: 'router', id: 'r' }), someIncident()]
    let { state } = next(someDesk('home', { incidents: both }), { kind: 'tried', home: 'cabin', tried }, 1_000)
    state = next(state, { kind: 'moved', home: 'cabin', before: 'a:1', after: 'b:2' }, 1_000).state
    state = next(state, { kind: 'moved', home: 'cabin', before: 'b:2', after: 'c:3' }, 1_000).state
    expect(state.incidents).toEqual([
      both[0],
      someIncident({ tried: [tried], mapping: { before: 'a:1', after: 'c:3' } }),
    ])
  })

  test('and nowhere when none does', () => {
    const over = [someIncident({ ended: 500 })]
    const state = someDesk('home', { incidents: over })
    const tried = { remedy: 'rebind', cause: 'flow-dead', helped: true, seconds: 2 }
    expect(next(state, { kind: 'tried', home: 'cabin', tried }, 1_000).state.incidents).toEqual(over)
    const moved = { kind: 'moved', home: 'cabin', before: null, after: 'b:2' } as const
    expect(next(state, moved, 1_000).state.incidents).toEqual(over)
  })

  test('it is written down after ten seconds, once', () => {
    const state = someDesk('hub', { incidents: [someIncident({ seenBy: 'hub' })] })
    expect(next(state, { kind: 'tick' }, 9_999).acts).toEqual([])
    const { state: after, acts } = next(state, { kind: 'tick' }, 10_000)
    expect(acts).toEqual([{ kind: 'write', incident: someIncident({ seenBy: 'hub', isWritten: true }) }])
    expect(next(after, { kind: 'tick' }, 11_000).acts).toEqual([])
    // What is over was written with its end.
    const over = someDesk('hub', { incidents: [someIncident({ seenBy: 'hub', ended: 20_000 })] })
    expect(next(over, { kind: 'tick' }, 21_000).acts).toEqual([])
  })
})

describe('an outage is over', () => {
  const well = (since: number) => ({ kind: 'well', home: 'cabin', scope: 'tunnel', since }) as const
  const endedAt = (state: IncidentState, now: number) => next(state, { kind: 'tick' }, now).state.incidents[0]?.ended

  test('when it was well for five seconds, since it first was', () => {
    let { state } = next(someDesk('home', { incidents: [someIncident()] }), well(2_000), 3_000)
    state = next(state, well(4_000), 4_000).state
    expect(endedAt(state, 6_999)).toBeNull()
    const { state: after, acts } = next(state, { kind: 'tick' }, 7_000)
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
    const { state } = next(someDesk('home', { incidents: [someIncident({ began: 2_500 })] }), well(1_000), 3_000)
    expect(state.incidents[0]?.wellSince).toBe(2_500)
  })

  test('that all is well where nothing is wrong changes nothing', () => {
    const state = someDesk('home', { incidents: [someIncident({ scope: 'router' })] })
    expect(nextIncidents(state, well(1), 90_000)).toEqual([state, []])
    expect(nextIncidents(state, well(1), 90_000)[0]).toBe(state)
  })

  test('as the hub sees it, before the home has said so too', () => {
    const views = { home: { began: 0, ended: null }, hub: { began: 1_000, ended: null } }
    const state = someDesk('hub', {
      incidents: [someIncident({ views, wellSince: 2_000, isWritten: true })],
      reports: { cabin: { at: 1_500, canSpeak: false } },
    })
    const { state: after, acts } = next(state, { kind: 'tick' }, 7_000)
    expect(acts).toEqual([])
    const halfOver = { home: views.home, hub: { began: 1_000, ended: 2_000 } }
    expect(after.incidents).toEqual([someIncident({ views: halfOver, wellSince: 2_000, isWritten: true })])
    // The home never says so.
    expect(endedAt(after, 901_499)).toBeNull()
    expect(endedAt(after, 901_500)).toBe(2_000)
  })

  test('for the hub too when it has only heard of it', () => {
    const state = someDesk('hub', { incidents: [someIncident({ wellSince: 2_000 })] })
    const [over] = next(state, { kind: 'tick' }, 7_000).state.incidents
    expect(over).toMatchObject({ ended: 2_000, views: { home: { began: 0, ended: null }, hub: null } })
  })

  test('and silenced with its end when nobody would have heard of it', () => {
    const state = someDesk('home', { incidents: [someIncident({ wellSince: 2_000 })], speaksSince: 2_001 })
    const { state: after, acts } = next(state, { kind: 'tick' }, 7_000)
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
    const state = someDesk('home', { settings, incidents, begun: { 'cabin/tunnel': begun, 'barn/tunnel': [1, 2] } })
    expect(endedAt(state, 2_000 + calmMs - 1)).toBeNull()
    expect(endedAt(state, 2_000 + calmMs)).toBe(2_000)
  })

  test('on an unstable line after a quarter of an hour', () => {
    const state = someDesk('home', { incidents: [someIncident({ wellSince: 2_000, isFlapping: true })] })
    expect(endedAt(state, 901_999)).toBeNull()
    expect(endedAt(state, 902_000)).toBe(2_000)
  })
})
