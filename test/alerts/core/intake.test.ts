import { describe, expect, test } from 'vitest'
import type { Incident } from '../../../alerts/core/incident.ts'
import { withinLimit } from '../../../alerts/core/intake.ts'
import type { IncidentEvent, IncidentState } from '../../../alerts/core/state.ts'
import { next } from './given-state.ts'
import { someDesk, someIncident } from './some.ts'

const DAY = 24 * 3_600_000
const NOW = 30 * DAY

const reported = (home: string, incidents: readonly Incident[]): IncidentEvent => ({
  kind: 'reported',
  home,
  incidents,
  claims: [],
  canSpeak: true,
})
const eight = (name: string, more: Partial<Incident> = {}): readonly Incident[] =>
  Array.from({ length: 8 }, (_, index) =>
    someIncident({ id: `${name}-${index}`, home: 'thief', began: NOW - 1_000, ended: NOW - 500, ...more }),
  )
const ids = ({ incidents }: IncidentState, home: string): readonly string[] =>
  incidents.filter((one) => one.home === home).map(({ id }) => id)

/** A hub that saw an outage of the lodge, which is over. */
const lodge = someIncident({
  id: 'lodge-1',
  home: 'lodge',
  seenBy: 'hub',
  began: NOW - 7_200_000,
  ended: NOW - 3_600_000,
})
const hub = someDesk('hub', { incidents: [lodge] })

describe('reports of a home', () => {
  test.each([94, 20_000])('%s of them, eight new outages each, leave the others’ as they were', (count) => {
    let state = hub
    let written = 0
    for (let index = 0; index < count; index += 1) {
      const incidents = eight(`x${index}`, index % 2 === 0 ? {} : { ended: null })
      const after = next(state, reported('thief', incidents), NOW)
      state = after.state
      written += after.kinds.filter((kind) => kind === 'write').length
    }
    expect(ids(state, 'lodge')).toEqual(['lodge-1'])
    expect(ids(state, 'thief')).toHaveLength(32)
    expect(state.incidents.filter(({ ended }) => ended === null)).toHaveLength(8)
    expect(written).toBeLessThan(100)
  })

  test('add as many again a day later, and those that last are not more for that', () => {
    let { state } = next(hub, reported('thief', eight('a')), NOW)
    for (const name of ['b', 'c', 'd']) state = next(state, reported('thief', eight(name)), NOW).state
    state = next(state, reported('thief', eight('e', { ended: null })), NOW).state
    expect(ids(state, 'thief')).toHaveLength(32)
    const later = { began: NOW + DAY - 1_000, ended: NOW + DAY - 500 }
    state = next(state, reported('thief', eight('f', later)), NOW + DAY - 1).state
    expect(ids(state, 'thief')).not.toContain('f-0')
    state = next(state, reported('thief', eight('g', later)), NOW + DAY).state
    expect(ids(state, 'thief')).toContain('g-7')
    state = next(state, reported('thief', eight('h', { ended: null })), NOW + DAY).state
    expect(ids(state, 'thief')).not.toContain('h-0')
  })

  test('of what is known already, or the hub saw itself, are taken all the same', () => {
    let { state } = next(hub, reported('thief', eight('a', { ended: null })), NOW)
    const seen = someIncident({ id: 'of-hub', home: 'thief', scope: 'agent', seenBy: 'hub', began: NOW })
    state = { ...state, incidents: [...state.incidents, seen] }
    const [first] = eight('a')
    const own = someIncident({ id: 'own', home: 'thief', scope: 'agent', began: NOW })
    state = next(state, reported('thief', [first ?? own, own]), NOW).state
    expect(state.incidents.find(({ id }) => id === 'a-0')?.ended).toBe(NOW - 500)
    expect(state.incidents.find(({ id }) => id === 'own')?.alias).toBe('of-hub')
  })

  test('of what is known already use nothing up, and give nothing back', () => {
    let { state } = next(hub, reported('thief', eight('a')), NOW)
    for (let times = 0; times < 5; times += 1) state = next(state, reported('thief', eight('a')), NOW).state
    for (const name of ['b', 'c']) state = next(state, reported('thief', eight(name)), NOW).state
    expect(ids(state, 'thief')).toContain('c-7')
    state = next(state, reported('thief', eight('a')), NOW).state
    expect(ids(next(state, reported('thief', eight('d')), NOW).state, 'thief')).toHaveLength(24)
  })

  test('of what lasts are not the fewer for what lasts at others, or what the hub saw itself', () => {
    const others = eight('l', { home: 'barn', ended: null })
    const views = { home: null, hub: { began: NOW - 1_000, ended: null } }
    const ofHub = eight('h', { scope: 'agent', ended: null, views })
    const { state } = next(
      { ...hub, incidents: [...others, ...ofHub] },
      reported('thief', eight('a', { ended: null })),
      NOW,
    )
    expect(ids(state, 'thief')).toEqual([...ofHub, ...eight('a')].map(({ id }) => id))
  })

  test('cannot say that an outage ends in the future, and so stay for years', () => {
    const { state } = next(hub, reported('thief', eight('a', { ended: NOW + 3_650 * DAY })), NOW)
    expect(next(state, { kind: 'tick' }, NOW + DAY).state.incidents).toEqual([])
  })
})

describe('a memory that is full', () => {
  const of = (home: string, count: number, more: Partial<Incident> = {}): readonly Incident[] =>
    Array.from({ length: count }, (_, index) => someIncident({ id: `${home}-${index}`, home, ended: 5, ...more }))

  test('gives up the oldest of the home that has most, and of those the finished ones first, until it is within', () => {
    const all = [...of('a', 3), ...of('thief', 4, { ended: null }), ...of('thief', 6).slice(4), ...of('b', 2)]
    expect(withinLimit(all, 11)).toBe(all)
    const left = withinLimit(all, 8)
    expect(left.map(({ id }) => id)).toEqual(['a-0', 'a-1', 'a-2', 'thief-1', 'thief-2', 'thief-3', 'b-0', 'b-1'])
    expect(withinLimit(all, 10).map(({ id }) => id)).not.toContain('thief-4')
  })
})
