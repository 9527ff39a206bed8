import { describe, expect, test } from 'vitest'
import { nextDesk, openDesk } from '../../../alerts/core/desk.ts'
import type { Incident } from '../../../alerts/core/incident.ts'
import type { Desk, DeskEvent } from '../../../alerts/core/state.ts'
import type { Trouble } from '../../../alerts/core/trouble.ts'
import { someDesk, someIncident } from './some.ts'
import { settingsOf, twoEnds } from './two-ends.ts'

function next(before: Desk, event: DeskEvent, now: number) {
  const [desk, acts] = nextDesk(before, event, now)
  return { desk, acts, kinds: acts.map(({ kind }) => kind) }
}

const sign = (more: Partial<Extract<DeskEvent, { kind: 'sign' }>>) =>
  ({ kind: 'sign', id: 'new', home: 'cabin', scope: 'tunnel', trouble: 'flow-dead', since: 0, ...more }) as const

const passing = (trouble: Trouble) => ({ kind: 'passing', id: 'new', home: 'cabin', trouble }) as const

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

describe('a line is unstable', () => {
  /** Whether each of these outages of a second is. */
  function outages(times: readonly number[], of: Partial<ReturnType<typeof sign>> = {}) {
    let desk = someDesk('hub')
    return times.map((at) => {
      desk = next(desk, sign({ ...of, id: `at-${at}`, since: at }), at).desk
      const isUnstable = desk.incidents.at(-1)?.isUnstable
      desk = { ...desk, incidents: [] }
      return isUnstable
    })
  }

  test('from the third outage within half an hour on', () => {
    expect(outages([0, 100, 200, 300])).toEqual([false, false, true, true])
    expect(outages([0, 900_000, 1_800_000])).toEqual([false, false, true])
    expect(outages([0, 900_000, 1_800_001])).toEqual([false, false, false])
  })

  test.each(['mapping-changed', 'mtu-black-hole', 'drift'] as const)('not by %s, which loses nothing', (trouble) => {
    expect(outages([0, 100, 200, 300], { trouble })).toEqual([false, false, false, false])
  })

  test('nor is what loses nothing on an unstable line', () => {
    const desk = someDesk('hub', { begun: { 'cabin/tunnel': [1, 2, 3] } })
    const begun = (trouble: 'drift' | 'flow-dead') => next(desk, sign({ trouble }), 10).desk.incidents[0]?.isUnstable
    expect(begun('drift')).toBe(false)
    expect(begun('flow-dead')).toBe(true)
  })

  test('each home and scope by itself', () => {
    const desk = someDesk('hub', { begun: { 'barn/tunnel': [1, 2], 'cabin/agent': [1, 2] } })
    expect(next(desk, sign({}), 10).desk).toMatchObject({
      incidents: [{ isUnstable: false }],
      begun: { 'barn/tunnel': [1, 2], 'cabin/agent': [1, 2], 'cabin/tunnel': [10] },
    })
  })
})

describe('channels that come and go while an outage lasts', () => {
  const configured = (end: 'home' | 'hub', canSpeak: boolean) =>
    ({ kind: 'configured', settings: settingsOf(end, { canSpeak }) }) as const

  test('there is somebody to tell since the first one came', () => {
    const since = (desk: Desk, canSpeak: boolean) => next(desk, configured('hub', canSpeak), 500).desk.speaksSince
    expect(since(someDesk('hub', { settings: settingsOf('hub', { canSpeak: false }) }), true)).toBe(500)
    expect(since(someDesk('hub', { speaksSince: 3 }), true)).toBe(3)
    expect(since(someDesk('hub', { speaksSince: 3 }), false)).toBe(Infinity)
  })

  test('what was told stays told', () => {
    const ends = twoEnds()
    ends.sign('hub', 'home-dark')
    ends.wait(40)
    ends.take('hub', configured('hub', false))
    ends.wait(40)
    ends.take('hub', configured('hub', true))
    ends.wait(40)
    ends.well('hub')
    ends.wait(60)
    expect(ends.said.map(({ what }) => what)).toEqual(['down', 'recovered'])
  })

  test('what fell due without any is told when there is one', () => {
    const ends = twoEnds()
    ends.sign('hub', 'home-dark')
    ends.wait(20)
    ends.take('hub', configured('hub', false))
    ends.wait(40)
    expect(ends.said).toEqual([])
    ends.take('hub', configured('hub', true))
    expect(ends.said).toMatchObject([{ what: 'down', at: 60_000 }])
  })
})

describe('homes that are removed', () => {
  const gone = { kind: 'homes', homes: ['barn'] } as const

  test('end what lasts, and what is over already is not over again', () => {
    const [open, over] = [someIncident(), someIncident({ id: 'two', ended: 5 })]
    const { desk, acts } = next(someDesk('hub', { incidents: [open, over] }), gone, 50)
    expect(desk.incidents).toEqual([])
    expect(acts).toEqual([
      { kind: 'write', incident: { ...open, ended: 50, silenced: true, met: true } },
      { kind: 'over', incident: { ...open, ended: 50, silenced: true, met: true } },
      { kind: 'write', incident: { ...over, silenced: true, met: true } },
    ])
    const atRest = someIncident({ ended: 5, silenced: true, met: true })
    expect(next(someDesk('hub', { incidents: [atRest] }), gone, 50).acts).toEqual([])
  })

  test('leave nothing of theirs behind, and nothing of the others changes', () => {
    const barn = someIncident({ id: 'b', home: 'barn', seenBy: 'hub' })
    const report = { at: 1, canSpeak: false }
    const desk = someDesk('hub', {
      incidents: [someIncident(), barn],
      begun: { 'cabin/tunnel': [1], 'barn/tunnel': [2], 'barn/agent': [3] },
      reports: { cabin: report, barn: report },
    })
    const { desk: after, acts } = next(desk, gone, 50)
    expect(acts.some((act) => act.kind !== 'exchange' && act.incident.home === 'barn')).toBe(false)
    expect(after).toEqual({
      ...desk,
      incidents: [barn],
      begun: { 'barn/tunnel': [2], 'barn/agent': [3] },
      reports: { barn: report },
    })
  })
})

describe('what is remembered', () => {
  test('what nobody would have heard of is silenced on disk, once', () => {
    const over = someIncident({ seenBy: 'hub', ended: 5 })
    const { desk, acts } = next(someDesk('hub', { incidents: [over], speaksSince: 6 }), { kind: 'tick' }, 10)
    expect(acts).toEqual([{ kind: 'write', incident: { ...over, silenced: true } }])
    expect(next(desk, { kind: 'tick' }, 11).acts).toEqual([])
  })

  test('a hundred at home: the first that is over makes room, else the first', () => {
    const many = Array.from({ length: 101 }, (_, index) =>
      someIncident({ id: `i-${index}`, home: `h-${index}`, ended: index === 0 ? null : 5 }),
    )
    const left = (incidents: readonly Incident[]) => next(someDesk('home', { incidents }), { kind: 'tick' }, 10).desk
    expect(left(many.slice(0, 100)).incidents).toHaveLength(100)
    expect(left(many).incidents.map(({ id }) => id)).toEqual(many.filter((_, index) => index !== 1).map(({ id }) => id))
    const open = many.map((one) => ({ ...one, ended: null }))
    expect(left(open).incidents.map(({ id }) => id)).toEqual(many.slice(1).map(({ id }) => id))
  })
})
