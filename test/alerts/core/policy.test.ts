import { describe, expect, test } from 'vitest'
import type { Incident } from '../../../alerts/core/incident.ts'
import { POLICIES } from '../../../alerts/core/policy.ts'
import type { IncidentState } from '../../../alerts/core/state.ts'
import { someDesk, someIncident } from './some.ts'

const DAY_MS = 24 * 3_600_000
const SAID = { by: 'home', at: 40_000 } as const
const BOTH = { home: { began: 0, ended: null }, hub: { began: 0, ended: null } }

describe('at home', () => {
  const { home } = POLICIES
  const state = someDesk('home')

  test('the hub is asked before anybody is told, and not waited for with the end', () => {
    expect(home.asks).toBe(true)
    expect(home.tellsUnasked(someIncident(), state, DAY_MS)).toBe(false)
    expect(home.isExplained(someIncident({ ended: 1 }), 1)).toBe(true)
    expect(home.awaitsOther(someIncident({ views: BOTH }), state, 1)).toBe(false)
  })

  test('an outage is remembered until it is over, compared with the hub, and told as far as it is the home’s to tell', () => {
    const isDone = (more: Partial<Incident>) =>
      home.isDone(someIncident({ ended: 60_000, met: true, ...more }), state, 90_000)
    const by = (end: 'home' | 'hub') => ({ down: { ...SAID, by: end }, recovered: null, remindedAt: null })
    expect(isDone({ ended: null })).toBe(false)
    expect(isDone({ ended: null, said: by('hub') })).toBe(false)
    expect(isDone({ met: false, ended: 1_000 })).toBe(false)
    // Too short to be told; or still to be told.
    expect(isDone({ ended: 1_000 })).toBe(true)
    expect(isDone({})).toBe(false)
    expect(isDone({ said: by('hub') })).toBe(true)
    expect(isDone({ said: by('home') })).toBe(false)
    expect(isDone({ said: { ...by('home'), recovered: SAID } })).toBe(true)
  })

  test('a hundred are remembered', () => {
    expect(home.mostKept).toBe(100)
  })
})

describe('on the hub', () => {
  const { hub } = POLICIES
  const heard = (at: number): Partial<IncidentState> => ({ reports: { cabin: { at, canSpeak: true } } })

  test('nobody is asked, and a home that reported has the first word', () => {
    expect(hub.asks).toBe(false)
    expect(hub.tellsUnasked(someIncident({ views: BOTH }), someDesk('hub', heard(30_000)), 30_000)).toBe(false)
    expect(hub.tellsUnasked(someIncident({ views: BOTH }), someDesk('hub'), 30_000)).toBe(true)
  })

  test('what is over waits a quarter of a minute for the home’s account', () => {
    const isExplained = (more: Partial<Incident>, now: number) =>
      hub.isExplained(someIncident({ seenBy: 'hub', ended: 100, ...more }), now)
    expect(isExplained({}, 15_099)).toBe(false)
    expect(isExplained({}, 15_100)).toBe(true)
    expect(isExplained({ views: { ...BOTH, home: { began: 0, ended: 90 } } }, 101)).toBe(true)
    expect(isExplained({ views: BOTH }, 101)).toBe(false)
    expect(isExplained({ ended: null }, DAY_MS)).toBe(false)
  })

  test('a home that saw it has to say that it is over, for a quarter of an hour after its last report', () => {
    const awaits = (more: Partial<Incident>, now = 1_000, state: Partial<IncidentState> = heard(1_000)) =>
      hub.awaitsOther(someIncident({ views: BOTH, ...more }), someDesk('hub', state), now)
    expect(awaits({})).toBe(true)
    expect(awaits({}, 900_999)).toBe(true)
    expect(awaits({}, 901_000)).toBe(false)
    expect(awaits({}, 1_000, {})).toBe(false)
    expect(awaits({ home: 'barn' })).toBe(false)
    expect(awaits({ views: { ...BOTH, home: null } })).toBe(false)
    expect(awaits({ views: { ...BOTH, home: { began: 0, ended: 900 } } })).toBe(false)
  })

  test('what is over is remembered for a day, since its home may still report it', () => {
    const isDone = (now: number) => hub.isDone(someIncident({ seenBy: 'hub', ended: 100 }), someDesk('hub'), now)
    expect(isDone(DAY_MS + 99)).toBe(false)
    expect(isDone(DAY_MS + 100)).toBe(true)
    // Also what only the home saw.
    expect(hub.isDone(someIncident({ ended: DAY_MS }), someDesk('hub'), DAY_MS + 1)).toBe(false)
  })

  test('what only a home saw and that lasts is forgotten a day after that home’s last report', () => {
    const isDone = (more: Partial<Incident>, now: number, state: Partial<IncidentState> = {}) =>
      hub.isDone(someIncident({ began: 100, ...more }), someDesk('hub', state), now)
    expect(isDone({}, DAY_MS + 99)).toBe(false)
    expect(isDone({}, DAY_MS + 100)).toBe(true)
    expect(isDone({}, DAY_MS + 299, heard(300))).toBe(false)
    expect(isDone({}, DAY_MS + 300, heard(300))).toBe(true)
    expect(isDone({}, DAY_MS + 100, heard(50))).toBe(true)
    expect(isDone({ views: BOTH }, 9 * DAY_MS)).toBe(false)
  })

  test('a thousand are remembered, of all homes', () => {
    expect(hub.mostKept).toBe(1_000)
  })
})
