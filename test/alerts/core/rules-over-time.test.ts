import { describe, expect, test } from 'vitest'
import type { Incident } from '../../../alerts/core/incident.ts'
import type { IncidentState } from '../../../alerts/core/state.ts'
import { someDesk, someIncident } from './some.ts'
import { settingsOf, twoEnds } from './two-ends.ts'
import { next, sign } from './given-state.ts'

describe('a line is unstable', () => {
  /** Whether each of these outages of a second is. */
  function outages(times: readonly number[], of: Partial<ReturnType<typeof sign>> = {}) {
    let state = someDesk('hub')
    return times.map((at) => {
      state = next(state, sign({ ...of, id: `at-${at}`, since: at }), at).state
      const isFlapping = state.incidents.at(-1)?.isFlapping
      state = { ...state, incidents: [] }
      return isFlapping
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
    const state = someDesk('hub', { begun: { 'cabin/tunnel': [1, 2, 3] } })
    const begun = (trouble: 'drift' | 'flow-dead') => next(state, sign({ trouble }), 10).state.incidents[0]?.isFlapping
    expect(begun('drift')).toBe(false)
    expect(begun('flow-dead')).toBe(true)
  })

  test('each home and scope by itself', () => {
    const state = someDesk('hub', { begun: { 'barn/tunnel': [1, 2], 'cabin/agent': [1, 2] } })
    expect(next(state, sign({}), 10).state).toMatchObject({
      incidents: [{ isFlapping: false }],
      begun: { 'barn/tunnel': [1, 2], 'cabin/agent': [1, 2], 'cabin/tunnel': [10] },
    })
  })
})

describe('channels that come and go while an outage lasts', () => {
  const configured = (end: 'home' | 'hub', canSpeak: boolean) =>
    ({ kind: 'configured', settings: settingsOf(end, { canSpeak }) }) as const

  test('there is somebody to tell since the first one came', () => {
    const since = (state: IncidentState, canSpeak: boolean) =>
      next(state, configured('hub', canSpeak), 500).state.speaksSince
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
    const { state, acts } = next(someDesk('hub', { incidents: [open, over] }), gone, 50)
    expect(state.incidents).toEqual([])
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
    const state = someDesk('hub', {
      incidents: [someIncident(), barn],
      begun: { 'cabin/tunnel': [1], 'barn/tunnel': [2], 'barn/agent': [3] },
      reports: { cabin: report, barn: report },
    })
    const { state: after, acts } = next(state, gone, 50)
    expect(acts.some((act) => act.kind !== 'exchange' && act.incident.home === 'barn')).toBe(false)
    expect(after).toEqual({
      ...state,
      incidents: [barn],
      begun: { 'barn/tunnel': [2], 'barn/agent': [3] },
      reports: { barn: report },
    })
  })
})

describe('what is remembered', () => {
  test('what nobody would have heard of is silenced on disk, once', () => {
    const over = someIncident({ seenBy: 'hub', ended: 5 })
    const { state, acts } = next(someDesk('hub', { incidents: [over], speaksSince: 6 }), { kind: 'tick' }, 10)
    expect(acts).toEqual([{ kind: 'write', incident: { ...over, silenced: true } }])
    expect(next(state, { kind: 'tick' }, 11).acts).toEqual([])
  })

  test('a hundred at home: the first that is over makes room, else the first', () => {
    const many = Array.from({ length: 101 }, (_, index) =>
      someIncident({ id: `i-${index}`, home: `h-${index}`, ended: index === 0 ? null : 5 }),
    )
    const left = (incidents: readonly Incident[]) => next(someDesk('home', { incidents }), { kind: 'tick' }, 10).state
    expect(left(many.slice(0, 100)).incidents).toHaveLength(100)
    expect(left(many).incidents.map(({ id }) => id)).toEqual(many.filter((_, index) => index !== 1).map(({ id }) => id))
    const open = many.map((one) => ({ ...one, ended: null }))
    expect(left(open).incidents.map(({ id }) => id)).toEqual(many.slice(1).map(({ id }) => id))
  })
})
