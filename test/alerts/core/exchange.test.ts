import { array, assert, boolean, integer, property, record } from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import { asked, exchanged, reported, untold } from '../../../alerts/core/exchange.ts'
import type { Incident } from '../../../alerts/core/incident.ts'
import type { Answer, Desk, DeskAct } from '../../../alerts/core/state.ts'
import { someDesk, someIncident } from './some.ts'
import { settingsOf } from './two-ends.ts'

const QUIET = someDesk('home').exchange
const BY_HUB = { down: { by: 'hub', at: 29_000 }, recovered: null, remindedAt: null } as const
const BY_HOME = { down: { by: 'home', at: 31_000 }, recovered: null, remindedAt: null } as const
/** Lasts, and is not to be told yet. */
const lasting = (id = 'one', more: Partial<Incident> = {}) => someIncident({ id, began: 20_000, ...more })

/** That asks the hub for these just now, unless said otherwise. */
const atHome = (incidents: readonly Incident[], exchange: Partial<Desk['exchange']> = {}, more: Partial<Desk> = {}) => {
  const given = Object.fromEntries(
    incidents.map(({ id, causes, ended }) => [id, { causes: causes.length, isOver: ended !== null }]),
  )
  return someDesk('home', { incidents, exchange: { ...QUIET, given, ...exchange }, ...more })
}

function ask(desk: Desk, now: number) {
  const acts: DeskAct[] = []
  const after = asked(desk, now, acts)
  const questions = acts.flatMap((act) => (act.kind === 'exchange' ? [act] : []))
  expect(questions).toHaveLength(acts.length)
  expect(after.exchange.isUnderWay).toBe(desk.exchange.isUnderWay || questions.length > 0)
  return { after, question: questions[0] ?? null, ids: questions[0]?.incidents.map(({ id }) => id) ?? null }
}

function hear(desk: Desk, answer: Answer | null, now: number, ids: readonly string[] = ['one']) {
  const acts: DeskAct[] = []
  const after = exchanged(desk, { kind: 'exchanged', asked: ids, answer }, now, acts)
  return { after, acts, says: acts.flatMap((act) => (act.kind === 'say' ? [[act.what, act.incident.id]] : [])) }
}

const answerOf = (incident: Incident, was = 'one'): Answer => ({ incidents: [{ was, incident }], others: [] })
const NOTHING: Answer = { incidents: [], others: [] }

describe('the home asks the hub', () => {
  test('once for what it missed, although it has nothing to tell, not right after its start', () => {
    expect(ask(atHome([]), 19_999).question).toBeNull()
    const { after, question } = ask(atHome([]), 20_000)
    expect(question).toEqual({ kind: 'exchange', incidents: [], claims: [] })
    expect(after.exchange.hasClaimed).toBe(false)
    const { after: later } = hear(after, NOTHING, 21_000, [])
    expect(ask(later, 9_000_000).question).toBeNull()
  })

  test('one question at a time', () => {
    expect(ask(atHome([someIncident()], { isUnderWay: true }), 60_000).question).toBeNull()
  })

  test('at once when it has news for the first time', () => {
    expect(ask(atHome([someIncident()]), 9_999).question).toBeNull()
    expect(ask(atHome([someIncident()]), 10_000)).toMatchObject({ ids: ['one'], question: { claims: [] } })
  })

  test('news wait for the pause after that, and not for longer', () => {
    const desk = atHome([lasting()], { hasAsked: true, notBefore: 40_000 })
    expect(ask(desk, 39_999).question).toBeNull()
    expect(ask(desk, 40_000).ids).toEqual(['one'])
  })

  test('for the word at once, and again after the pause', () => {
    const desk = atHome([someIncident()], { hasAsked: true, notBefore: 40_000 })
    const { after, question } = ask(desk, 30_000)
    expect(question).toMatchObject({ claims: ['one'] })
    expect(after.exchange.hasClaimed).toBe(true)
    const again = { ...after, exchange: { ...after.exchange, isUnderWay: false } }
    expect(ask(again, 39_999).question).toBeNull()
    expect(ask(again, 40_000).question).toMatchObject({ claims: ['one'] })
  })

  test('eight at most, those for which it wants the word before those that are news', () => {
    const news = Array.from({ length: 6 }, (_, index) => lasting(`news-${index}`))
    const due = Array.from({ length: 5 }, (_, index) => someIncident({ id: `due-${index}` }))
    const { question, ids } = ask(atHome([...news, ...due]), 30_000)
    expect(ids).toEqual([...due, ...news.slice(0, 3)].map(({ id }) => id))
    expect(question?.claims).toEqual(due.map(({ id }) => id))
    const many = Array.from({ length: 9 }, (_, index) => someIncident({ id: `due-${index}` }))
    expect(ask(atHome(many), 30_000).question?.claims).toEqual(many.slice(0, 8).map(({ id }) => id))
  })

  test('with what it knows, each of them once', () => {
    const one = someIncident()
    expect(ask(atHome([one]), 30_000).question?.incidents).toEqual([one])
  })
})

describe('news for the hub is', () => {
  const isNews = (more: Partial<Incident>, now: number, told: Desk['told'] = {}) =>
    ask(atHome([lasting('one', more)], { hasAsked: true, notBefore: 0 }, { told }), now).question !== null

  test('what is over, until both have compared it', () => {
    expect(isNews({ ended: 20_001 }, 20_002)).toBe(true)
    expect(isNews({ ended: 20_001, met: true }, 20_002)).toBe(false)
    expect(isNews({ ended: 20_001 }, 20_002, { one: { at: 20_002, causes: 1 } })).toBe(true)
  })

  test('what lasts for ten seconds', () => {
    expect(isNews({}, 29_999)).toBe(false)
    expect(isNews({}, 30_000)).toBe(true)
  })

  test('what the hub knows with another number of causes', () => {
    expect(isNews({}, 40_000, { one: { at: 40_000, causes: 1 } })).toBe(false)
    expect(isNews({}, 40_000, { one: { at: 40_000, causes: 2 } })).toBe(true)
    expect(isNews({}, 40_000, { other: { at: 40_000, causes: 1 } })).toBe(true)
  })

  test('what it was told five minutes ago', () => {
    // Nobody wants the word.
    const said = BY_HUB
    expect(isNews({ said }, 340_000 - 1, { one: { at: 40_000, causes: 1 } })).toBe(false)
    expect(isNews({ said }, 340_000, { one: { at: 40_000, causes: 1 } })).toBe(true)
  })
})

describe('a hub that is not reached', () => {
  test('is asked with longer and longer pauses for news, ten minutes at most', () => {
    let desk = atHome([lasting()])
    const pauses: number[] = []
    for (let time = 0; time < 12; time += 1) {
      const { after, acts } = hear({ ...desk, exchange: { ...desk.exchange, isUnderWay: true } }, null, 30_000)
      desk = after
      expect(acts).toEqual([])
      expect(desk.exchange).toMatchObject({ isUnderWay: false, hasAsked: true, failures: time + 1 })
      pauses.push((desk.exchange.notBefore - 30_000) / 1_000)
    }
    expect(pauses).toEqual([10, 20, 40, 80, 160, 320, 600, 600, 600, 600, 600, 600])
  })

  test('is asked each ten seconds for the word, as long as somebody waits to be told', () => {
    const desk = atHome([lasting('other'), someIncident()], { failures: 7, hasClaimed: true })
    expect(hear(desk, null, 30_000).after.exchange).toMatchObject({
      notBefore: 40_000,
      failures: 8,
      hasClaimed: true,
    })
  })

  test('and that answers again is asked each three seconds', () => {
    const { exchange } = hear(atHome([lasting()], { failures: 7 }), NOTHING, 30_000).after
    expect(exchange).toMatchObject({ notBefore: 33_000, failures: 0, hasClaimed: false })
  })

  test.each(['hub-down', 'home-unknown'] as const)('the home tells %s by itself', (trouble) => {
    const { says, after } = hear(atHome([someIncident({ trouble })]), null, 30_000)
    expect(says).toEqual([['down', 'one']])
    expect(after.incidents[0]?.said.down).toEqual({ by: 'home', at: 30_000 })
  })

  test.each(['unknown', 'home-offline', 'flow-dead', 'udp-blocked', 'drift'] as const)(
    'of %s the hub tells, or nobody: it hears nothing from here',
    (trouble) => {
      const desk = atHome([someIncident({ trouble })])
      const { says, after } = hear(desk, null, 30_000)
      expect(says).toEqual([])
      expect(after.incidents).toEqual(desk.incidents)
    },
  )

  test('what the hub cannot see the home tells by itself', () => {
    const router = someIncident({ scope: 'router', trouble: 'router-silent' })
    expect(hear(atHome([router]), null, 30_000).says).toEqual([['down', 'one']])
  })

  test('nothing is told that was not asked for, or is not due', () => {
    const [one, two] = [someIncident({ trouble: 'hub-down' }), someIncident({ id: 'two', trouble: 'hub-down' })]
    expect(hear(atHome([one, two]), null, 30_000, ['two']).says).toEqual([['down', 'two']])
    expect(hear(atHome([one]), null, 29_999).says).toEqual([])
    // The channel was taken away while the hub was asked.
    const settings = settingsOf('home', { canSpeak: false, showAfterSeconds: 30 })
    expect(hear(atHome([one], {}, { settings }), null, 30_000).says).toEqual([])
  })
})

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
  function take(desk: Desk, more: Partial<Parameters<typeof reported>[1]>, now = 40_000) {
    const acts: DeskAct[] = []
    const after = reported(desk, { ...REPORT, ...more }, now, acts)
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
    const desk = someDesk('hub', { incidents: [ofHub(), ofHub({ id: 'hub-0', home: 'barn' })] })
    const { after } = take(desk, { incidents: [someIncident()] })
    expect(after.incidents).toHaveLength(2)
    expect(after.incidents[0]).toMatchObject({ id: 'one', alias: 'hub-1', met: false })
    // The same again changes nothing but when it came.
    const again = take(after, { incidents: [someIncident()] }, 41_000)
    expect(again.after.incidents).toEqual(after.incidents)
  })

  test('gets the word for what it claims, while nobody has it', () => {
    const claim = (desk: Desk, claims: string[]) => take(desk, { incidents: [someIncident()], claims }).after
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
    const desk = someDesk('hub', { speaksSince: 36_000 })
    expect(take(desk, { incidents: [someIncident({ ended: 35_000 })] }).after.incidents[0]?.silenced).toBe(true)
    expect(take(desk, { incidents: [someIncident({ ended: 36_000 })] }).after.incidents[0]?.silenced).toBe(false)
  })

  test('hands over what only the hub saw, eight at a time, each once', () => {
    const seen = Array.from({ length: 10 }, (_, index) => ofHub({ id: `hub-${index}`, ended: 100 * index }))
    const barn = ofHub({ id: 'barn-1', home: 'barn', ended: 100 })
    const desk = someDesk('hub', { incidents: [barn, ...seen] })
    expect(untold(desk, 'cabin')).toEqual(seen.slice(0, 8))
    const { after, acts } = take(desk, {})
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
