import { describe, expect, test } from 'vitest'
import type { Incident } from '../../../alerts/core/incident.ts'
import { homeGoesFirst, isDue, say, spoken } from '../../../alerts/core/speaking.ts'
import type { IncidentState, IncidentAction, Policy } from '../../../alerts/core/state.ts'
import type { End } from '../../../alerts/core/trouble.ts'
import { someDesk, someIncident } from './some.ts'
import { settingsOf } from './two-ends.ts'

const HOUR_MS = 3_600_000
const SAID = { by: 'home', at: 1_000 } as const

const toldDown = (more: Parameters<typeof someIncident>[0] = {}): Incident =>
  someIncident({ said: { down: SAID, recovered: null, remindedAt: null }, ...more })

describe('an outage is due', () => {
  const due = (
    more: Parameters<typeof someIncident>[0] = {},
    state: Partial<IncidentState> = {},
    now = 30_000,
    end: End = 'home',
  ) => isDue(someIncident({ seenBy: end, ...more }), someDesk(end, state), now)

  test('when it has lasted long enough for its cause, not a moment before', () => {
    expect(due({}, {}, 29_999)).toBe(false)
    expect(due()).toBe(true)
    const settings = { ...settingsOf('home', { showAfterSeconds: 30 }) }
    const patient = { settings: { ...settings, pendingMs: { ...settings.pendingMs, 'flow-dead': 30_001 } } }
    expect(due({}, patient)).toBe(false)
    expect(due({ trouble: 'udp-blocked' }, patient)).toBe(true)
  })

  test('by how long it was, not by how long ago', () => {
    expect(due({ wellSince: 29_999 }, {}, 90_000)).toBe(false)
    expect(due({ wellSince: 30_000 }, {}, 90_000)).toBe(true)
    expect(due({ ended: 29_999 }, {}, 90_000)).toBe(false)
    expect(due({ ended: 30_000, wellSince: 1 }, {}, 90_000)).toBe(true)
  })

  test('at once when it comes again and again', () => {
    expect(due({ isFlapping: true }, {}, 1)).toBe(true)
  })

  test('never without a channel, told already, or silenced', () => {
    expect(due({}, { settings: settingsOf('home', { canSpeak: false, showAfterSeconds: 30 }) })).toBe(false)
    expect(due({ said: { down: SAID, recovered: null, remindedAt: null } })).toBe(false)
    expect(due({ silenced: true })).toBe(false)
  })

  test('not when it was over, or well, before there was anybody to tell', () => {
    expect(due({ ended: 40_000 }, { speaksSince: 40_001 })).toBe(false)
    expect(due({ ended: 40_000 }, { speaksSince: 40_000 })).toBe(true)
    expect(due({ wellSince: 40_000 }, { speaksSince: 40_001 }, 60_000)).toBe(false)
    expect(due({ ended: 41_000, wellSince: 40_000 }, { speaksSince: 40_001 })).toBe(true)
    expect(due({}, { speaksSince: 40_001 })).toBe(true)
  })

  test.each(['home', 'hub'] as const)('at the %s not when only the other end has seen it', (end) => {
    expect(due({ seenBy: end === 'hub' ? 'home' : 'hub' }, {}, 30_000, end)).toBe(false)
    expect(due({ seenBy: end }, {}, 30_000, end)).toBe(true)
  })
})

describe('what is nobody’s shadow is told', () => {
  const registrar = someIncident({ id: 'r', scope: 'registrar', trouble: 'registrar-unreachable' })
  const isTold = (...others: Incident[]) =>
    isDue(registrar, someDesk('home', { incidents: [...others, registrar] }), 90_000)

  test('the cause hides what it brings about, as long as it lasts', () => {
    expect(isTold()).toBe(true)
    expect(isTold(someIncident({ trouble: 'hub-down' }))).toBe(false)
    expect(isTold(someIncident({ trouble: 'hub-down', ended: 80_000 }))).toBe(true)
  })

  test('one of several is enough', () => {
    expect(isTold(someIncident({ trouble: 'drift' }), someIncident({ trouble: 'hub-down' }))).toBe(false)
  })

  test('by what is proven, not by what it looked like', () => {
    const causes = [
      { trouble: 'unknown', at: 0 },
      { trouble: 'flow-dead', at: 1 },
    ] as const
    expect(isTold(someIncident({ causes }))).toBe(true)
    expect(isTold(someIncident({ trouble: 'unknown' }))).toBe(false)
  })

  test('that of another home hides nothing here', () => {
    expect(isTold(someIncident({ home: 'barn', trouble: 'hub-down' }))).toBe(true)
  })

  test('a cause hides only what belongs to it', () => {
    const router = someIncident({ scope: 'router', trouble: 'router-silent' })
    const both = (trouble: 'hub-down' | 'home-offline') =>
      isDue(router, someDesk('home', { incidents: [someIncident({ trouble }), router] }), 90_000)
    expect(both('hub-down')).toBe(true)
    expect(both('home-offline')).toBe(false)
  })
})

describe('the home has the first word on the hub', () => {
  const VIEWS = { home: { began: 0, ended: null }, hub: { began: 28_000, ended: null } }
  const first = (now: number, at = now, more: Partial<Incident> = {}, canSpeak = true) =>
    homeGoesFirst(
      someIncident({ views: VIEWS, ...more }),
      someDesk('hub', { reports: { cabin: { at, canSpeak } } }),
      now,
    )

  test('until 20 s after it is due', () => {
    expect(first(49_999)).toBe(true)
    expect(first(50_000)).toBe(false)
    expect(first(50_000, 50_000, { began: 1 })).toBe(true)
  })

  test('while its last report is younger than a minute', () => {
    const began = 100_000
    expect(first(100_000, 40_001, { began })).toBe(true)
    expect(first(100_000, 40_000, { began })).toBe(false)
  })

  test('if it has seen the outage, reported, and has somebody to tell', () => {
    expect(first(30_000)).toBe(true)
    expect(first(30_000, 30_000, { views: { ...VIEWS, home: null } })).toBe(false)
    expect(first(30_000, 30_000, {}, false)).toBe(false)
    expect(homeGoesFirst(someIncident({ views: VIEWS }), someDesk('hub'), 30_000)).toBe(false)
    expect(first(30_000, 30_000, { home: 'barn' })).toBe(false)
  })
})

test('what is said is told once, by this end, and on disk', () => {
  for (const [isFlapping, what] of [
    [false, 'down'],
    [true, 'unstable'],
  ] as const) {
    const acts: IncidentAction[] = []
    const incident = someIncident({
      isFlapping,
      said: { down: null, recovered: null, remindedAt: null },
    })
    const said = say(incident, someDesk('hub'), 50, acts)
    expect(said).toEqual({
      ...incident,
      isWritten: true,
      said: { down: { by: 'hub', at: 50 }, recovered: null, remindedAt: null },
    })
    expect(acts).toEqual([
      { kind: 'say', what, incident: said },
      { kind: 'write', incident: said },
    ])
  }
})

describe('by itself an end says', () => {
  const ALWAYS: Policy = {
    asks: false,
    tellsUnasked: () => true,
    isExplained: () => true,
    awaitsOther: () => false,
    isDone: () => false,
    mostKept: 9,
  }
  function says(incident: Incident, now: number, policy: Partial<Policy> = {}, state = someDesk('home')) {
    const acts: IncidentAction[] = []
    const after = spoken(incident, state, { ...ALWAYS, ...policy }, now, acts)
    const words = acts.flatMap((act) => (act.kind === 'say' ? [act.what] : []))
    // All that was said is written down as it is now.
    if (words.length > 0) expect(acts.at(-1)).toEqual({ kind: 'write', incident: after })
    else expect([after, acts]).toEqual([incident, []])
    return { words, after }
  }

  test('what is due, if its policy lets it tell unasked', () => {
    expect(says(someIncident(), 29_999).words).toEqual([])
    const { words, after } = says(someIncident(), 30_000)
    expect(words).toEqual(['down'])
    expect(after.said.down).toEqual({ by: 'home', at: 30_000 })
    expect(says(someIncident(), 30_000, { tellsUnasked: () => false }).words).toEqual([])
  })

  test('what is over by now in one breath', () => {
    expect(says(someIncident({ ended: 60_000 }), 61_000).words).toEqual(['down', 'recovered'])
  })

  test('that it is over, once, if it told of it', () => {
    const { words, after } = says(toldDown({ ended: 60_000 }), 61_000)
    expect(words).toEqual(['recovered'])
    expect(after).toEqual(
      toldDown({
        ended: 60_000,
        said: { down: SAID, recovered: { by: 'home', at: 61_000 }, remindedAt: null },
      }),
    )
    expect(says(after, 62_000).words).toEqual([])
    expect(says(toldDown({ ended: 60_000, isFlapping: true }), 61_000).words).toEqual(['steady'])
  })

  test('that it is over instead of a reminder, however late', () => {
    expect(says(toldDown({ ended: 60_000 }), 30 * HOUR_MS).words).toEqual(['recovered'])
  })

  test('nothing of what the other end told, or of what is silenced', () => {
    const by = (end: End) => ({ down: { by: end, at: 1_000 }, recovered: null, remindedAt: null })
    for (const ended of [null, 60_000]) {
      expect(says(toldDown({ ended, said: by('hub') }), 30 * HOUR_MS).words).toEqual([])
      expect(says(toldDown({ ended, silenced: true }), 30 * HOUR_MS).words).toEqual([])
    }
    expect(
      says(toldDown({ ended: 60_000, seenBy: 'hub', said: by('hub') }), 61_000, {}, someDesk('hub')).words,
    ).toEqual(['recovered'])
  })

  test('nothing of an end that is not explained yet', () => {
    expect(says(toldDown({ ended: 60_000 }), 61_000, { isExplained: () => false }).words).toEqual([])
  })

  test('a reminder after six hours, and then each day', () => {
    const first = SAID.at + 6 * HOUR_MS
    expect(says(toldDown(), first - 1).words).toEqual([])
    const { words, after } = says(toldDown(), first)
    expect(words).toEqual(['reminder'])
    expect(after).toEqual(toldDown({ said: { down: SAID, recovered: null, remindedAt: first } }))
    expect(says(after, first + 24 * HOUR_MS - 1).words).toEqual([])
    expect(says(after, first + 24 * HOUR_MS).words).toEqual(['reminder'])
  })
})
