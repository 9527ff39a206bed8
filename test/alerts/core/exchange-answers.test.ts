import { array, assert, boolean, integer, property, record } from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import { reported, untold } from '../../../alerts/core/exchange.ts'
import type { Incident } from '../../../alerts/core/incident.ts'
import type { Answer, IncidentState, IncidentAction } from '../../../alerts/core/state.ts'
import { someDesk, someIncident } from './some.ts'
import { BY_HUB, BY_HOME, lasting, atHome, ask, hear, answerOf, NOTHING } from './given-exchange.ts'

describe('the hub’s answer', () => {
  test('gives the word: the home tells it, by the name that both use', () => {
    const one = someIncident()
    const fromHub = { ...one, id: 'hub-1', alias: 'one', said: BY_HOME }
    const { says, after, acts } = hear(atHome([one]), answerOf(fromHub), 31_000)
    expect(says).toEqual([['down', 'hub-1']])
    expect(after.incidents).toMatchObject([{ id: 'hub-1', alias: 'one', said: { down: { by: 'home', at: 31_000 } } }])
    expect(acts.filter(({ kind }) => kind === 'write')).toHaveLength(1)
    expect(after.told).toEqual({ 'hub-1': { at: 31_000, causes: 1 } })
  })

  test('keeps the word: the home notes what the hub told, without a word', () => {
    const { says, after, acts } = hear(atHome([someIncident()]), answerOf(someIncident({ said: BY_HUB })), 31_000)
    expect(says).toEqual([])
    expect(after.incidents).toEqual([someIncident({ said: BY_HUB })])
    expect(acts).toEqual([{ kind: 'write', incident: after.incidents[0] }])
  })

  test('leaves it open: nothing is told before the word is given', () => {
    expect(hear(atHome([someIncident()]), answerOf(someIncident()), 31_000).says).toEqual([])
  })

  test('gives the word once: what is told is not told again', () => {
    const told = someIncident({ said: BY_HOME })
    const { says, after } = hear(
      atHome([told]),
      answerOf(someIncident({ said: { ...BY_HOME, remindedAt: 5 } })),
      60_000,
    )
    expect(says).toEqual([])
    expect(after.incidents[0]?.said).toEqual(BY_HOME)
  })

  test('of a hub that knows nothing of it gives no word either: what is due is told', () => {
    const { says, after } = hear(atHome([someIncident()]), NOTHING, 30_000)
    expect(says).toEqual([['down', 'one']])
    expect(after.told).toEqual({ one: { at: 30_000, causes: 1 } })
    const young = hear(atHome([someIncident()]), NOTHING, 29_999)
    expect(young.says).toEqual([])
    expect(young.acts).toEqual([{ kind: 'write', incident: young.after.incidents[0] }])
  })

  test('is about each that was asked for, and about no other', () => {
    const [one, two] = [someIncident(), someIncident({ id: 'two' })]
    const told = { two: { at: 5, causes: 1 } }
    const fromHub: Answer = {
      incidents: [
        { was: 'two', incident: { ...two, id: 'hub-2', said: BY_HOME } },
        { was: 'one', incident: { ...one, id: 'hub-1', said: BY_HUB } },
      ],
      others: [],
    }
    const given = { one: { causes: 1, isOver: false } }
    const { after, says } = hear(atHome([one, two], { given }, { told }), fromHub, 31_000, ['one'])
    expect(says).toEqual([])
    expect(after.incidents).toMatchObject([{ id: 'hub-1' }, { id: 'two' }])
    expect(after.incidents[1]).toBe(two)
    expect(after.told).toEqual({ 'hub-1': { at: 31_000, causes: 1 }, two: { at: 5, causes: 1 } })
    expect(hear(atHome([one, two]), fromHub, 31_000, ['one', 'two']).says).toEqual([['down', 'hub-2']])
  })

  test('what was told of incidents that are gone is forgotten', () => {
    const told = { gone: { at: 5, causes: 1 } }
    const { after } = hear(atHome([someIncident()], {}, { told }), answerOf(someIncident()), 31_000)
    expect(Object.keys(after.told)).toEqual(['one'])
    // One that is gone by the time of the answer is not brought back.
    expect(hear(atHome([]), answerOf(someIncident()), 31_000).after).toMatchObject({ incidents: [], told: {} })
  })

  test('what only the hub saw goes into the record, and is no concern any more', () => {
    const other = someIncident({ id: 'hub-9', seenBy: 'hub', ended: 9 })
    const { after, acts } = hear(atHome([]), { incidents: [], others: [other] }, 31_000, [])
    expect(acts).toEqual([{ kind: 'write', incident: { ...other, met: true } }])
    expect(after.incidents).toEqual([])
  })

  test('about what is over makes it compared', () => {
    const over = someIncident({ ended: 25_000 })
    const { after } = ask(atHome([over]), 26_000)
    expect(hear(after, answerOf(over), 31_000).after.incidents).toEqual([{ ...over, met: true }])
  })
})

describe('an answer that comes late', () => {
  const meanwhile = (then: Incident, now: Incident) => {
    const { after } = ask(atHome([then], { hasAsked: true, notBefore: 0 }), 30_000)
    return hear({ ...after, incidents: [now] }, answerOf(then), 40_000).after
  }

  test('says nothing of the end that came after the question: the hub is told of it yet', () => {
    const [then, now] = [someIncident({ said: BY_HOME }), someIncident({ said: BY_HOME, ended: 35_000 })]
    const after = meanwhile(then, now)
    expect(after.incidents[0]).toMatchObject({ ended: 35_000, met: false })
    expect(ask(after, 43_000).question?.incidents).toMatchObject([{ id: 'one', ended: 35_000 }])
  })

  test('nor of a cause that was proven after it', () => {
    const then = someIncident({ trouble: 'unknown', said: BY_HUB })
    const causes = [...then.causes, { trouble: 'flow-dead', at: 35_000 }] as const
    const after = meanwhile(then, { ...then, causes })
    expect(after.told).toEqual({ one: { at: 40_000, causes: 1 } })
    expect(ask(after, 43_000).question?.incidents).toMatchObject([{ causes }])
  })

  test('nor of what began after it', () => {
    const { after } = ask(atHome([lasting()], { hasAsked: true, notBefore: 0 }), 30_000)
    const young = someIncident({ id: 'two', began: 32_000 })
    const heard = hear({ ...after, incidents: [lasting(), young] }, NOTHING, 40_000)
    expect(heard.after.incidents[1]).toBe(young)
    // The next answer is one to the next question.
    expect(heard.after.exchange.given).toEqual({})
  })
})

describe('a home’s report', () => {
  const REPORT = { kind: 'reported', home: 'cabin', incidents: [], claims: [], canSpeak: true } as const
  function take(state: IncidentState, more: Partial<Parameters<typeof reported>[1]>, now = 40_000) {
    const acts: IncidentAction[] = []
    const after = reported(state, { ...REPORT, ...more }, now, acts)
    return { after, acts, kinds: acts.map(({ kind }) => kind) }
  }
  const ofHub = (more: Parameters<typeof someIncident>[0] = {}) =>
    someIncident({ id: 'hub-1', seenBy: 'hub', trouble: 'home-dark', ...more })

  test('is noted: when it came, and whether that home can tell people', () => {
    const { after, acts } = take(someDesk('hub', { reports: { barn: { at: 1, canSpeak: true } } }), { canSpeak: false })
    expect(after.reports).toEqual({ barn: { at: 1, canSpeak: true }, cabin: { at: 40_000, canSpeak: false } })
    expect(acts).toEqual([])
  })

  test('of what the hub has not seen makes it known', () => {
    const { after, acts } = take(someDesk('hub', { incidents: [ofHub({ home: 'barn' })] }), {
      incidents: [someIncident()],
    })
    expect(after.incidents).toEqual([ofHub({ home: 'barn' }), someIncident()])
    expect(acts).toEqual([{ kind: 'write', incident: after.incidents[1] }])
  })

  test('of what the hub has seen is one with it', () => {
    const state = someDesk('hub', { incidents: [ofHub(), ofHub({ id: 'hub-0', home: 'barn' })] })
    const { after } = take(state, { incidents: [someIncident()] })
    expect(after.incidents).toHaveLength(2)
    expect(after.incidents[0]).toMatchObject({ id: 'one', alias: 'hub-1', met: false })
    // The same again changes nothing but when it came.
    const again = take(after, { incidents: [someIncident()] }, 41_000)
    expect(again.after.incidents).toEqual(after.incidents)
  })

  test('gets the word for what it claims, while nobody has it', () => {
    const claim = (state: IncidentState, claims: string[]) => take(state, { incidents: [someIncident()], claims }).after
    expect(claim(someDesk('hub'), ['one']).incidents[0]?.said).toEqual({
      down: { by: 'home', at: 40_000 },
      recovered: null,
      remindedAt: null,
    })
    expect(claim(someDesk('hub'), []).incidents[0]?.said.down).toBeNull()
    expect(claim(someDesk('hub'), ['two']).incidents[0]?.said.down).toBeNull()
    const told = someDesk('hub', { incidents: [ofHub({ said: BY_HUB })] })
    expect(claim(told, ['one']).incidents[0]?.said).toEqual(BY_HUB)
    // The answer with the word was lost: who asks again has it still, since then.
    const granted = claim(someDesk('hub'), ['one'])
    const again = take(granted, { incidents: [someIncident()], claims: ['one'] }, 50_000).after
    expect(again.incidents[0]?.said.down).toEqual({ by: 'home', at: 40_000 })
  })

  test('that it is over counts once', () => {
    const over = { incidents: [someIncident({ ended: 35_000 })] }
    const first = take(someDesk('hub', { incidents: [ofHub()] }), over)
    expect(first.kinds).toEqual(['write', 'over'])
    expect(first.after.incidents[0]).toMatchObject({ ended: 35_000, met: true })
    expect(take(first.after, over).kinds).toEqual(['write'])
    expect(take(someDesk('hub'), over).kinds).toEqual(['write', 'over'])
    expect(take(someDesk('hub'), { incidents: [someIncident()] }).kinds).toEqual(['write'])
  })

  test('of what was over before the hub had anybody to tell is silenced', () => {
    const state = someDesk('hub', { speaksSince: 36_000 })
    expect(take(state, { incidents: [someIncident({ ended: 35_000 })] }).after.incidents[0]?.silenced).toBe(true)
    expect(take(state, { incidents: [someIncident({ ended: 36_000 })] }).after.incidents[0]?.silenced).toBe(false)
  })

  test('hands over what only the hub saw, eight at a time, each once', () => {
    const seen = Array.from({ length: 10 }, (_, index) => ofHub({ id: `hub-${index}`, ended: 100 * index }))
    const barn = ofHub({ id: 'barn-1', home: 'barn', ended: 100 })
    const state = someDesk('hub', { incidents: [barn, ...seen] })
    expect(untold(state, 'cabin')).toEqual(seen.slice(0, 8))
    const { after, acts } = take(state, {})
    expect(acts).toEqual([])
    expect(after.incidents.map(({ met }) => met)).toEqual([
      false,
      ...Array.from({ length: 8 }, () => true),
      false,
      false,
    ])
    expect(untold(after, 'cabin')).toEqual(seen.slice(8))
    expect(untold(after, 'barn')).toEqual([barn])
  })

  test.each([
    ['what lasts', { ended: null }],
    ['what the home has seen too', { views: { home: { began: 0, ended: 9 }, hub: { began: 0, ended: 9 } } }],
    ['what both have compared', { met: true }],
  ] as const)('hands over nothing of %s', (_, more) => {
    expect(untold(someDesk('hub', { incidents: [ofHub({ ended: 9, ...more })] }), 'cabin')).toEqual([])
  })

  test('whatever it says, nothing of another home changes', () => {
    const barn = ofHub({ id: 'barn-1', alias: 'one', home: 'barn' })
    const report = record({
      isBarns: boolean(),
      id: integer({ min: 0, max: 3 }).map((n) => ['one', 'two', 'barn-1', 'hub-1'][n] ?? ''),
      isOver: boolean(),
      isClaimed: boolean(),
    })
    assert(
      property(array(report, { maxLength: 8 }), (reports) => {
        const incidents = reports.map(({ isBarns, id, isOver }) =>
          someIncident({ id, home: isBarns ? 'barn' : 'cabin', ended: isOver ? 9 : null }),
        )
        const claims = reports.filter(({ isClaimed }) => isClaimed).map(({ id }) => id)
        const { after, acts } = take(someDesk('hub', { incidents: [barn, ofHub()] }), { incidents, claims })
        expect(after.incidents.filter(({ home }) => home === 'barn')).toEqual([barn])
        expect(after.incidents[0]).toBe(barn)
        expect(acts.some((act) => act.kind !== 'exchange' && act.incident.home === 'barn')).toBe(false)
        expect(Object.keys(after.reports)).toEqual(['cabin'])
      }),
      { numRuns: 60 },
    )
  })
})
