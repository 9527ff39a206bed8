import { describe, expect, test } from 'vitest'
import type { Incident } from '../../../alerts/core/incident.ts'
import type { IncidentState } from '../../../alerts/core/state.ts'
import { someIncident } from './some.ts'
import { settingsOf } from './two-ends.ts'
import { BY_HUB, lasting, atHome, ask, hear, NOTHING } from './given-exchange.ts'

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
    const state = atHome([lasting()], { hasAsked: true, notBefore: 40_000 })
    expect(ask(state, 39_999).question).toBeNull()
    expect(ask(state, 40_000).ids).toEqual(['one'])
  })

  test('for the word at once, and again after the pause', () => {
    const state = atHome([someIncident()], { hasAsked: true, notBefore: 40_000 })
    const { after, question } = ask(state, 30_000)
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
  const isNews = (more: Partial<Incident>, now: number, told: IncidentState['told'] = {}) =>
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
    let state = atHome([lasting()])
    const pauses: number[] = []
    for (let time = 0; time < 12; time += 1) {
      const { after, acts } = hear({ ...state, exchange: { ...state.exchange, isUnderWay: true } }, null, 30_000)
      state = after
      expect(acts).toEqual([])
      expect(state.exchange).toMatchObject({ isUnderWay: false, hasAsked: true, failures: time + 1 })
      pauses.push((state.exchange.notBefore - 30_000) / 1_000)
    }
    expect(pauses).toEqual([10, 20, 40, 80, 160, 320, 600, 600, 600, 600, 600, 600])
  })

  test('is asked each ten seconds for the word, as long as somebody waits to be told', () => {
    const state = atHome([lasting('other'), someIncident()], { failures: 7, hasClaimed: true })
    expect(hear(state, null, 30_000).after.exchange).toMatchObject({
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
      const state = atHome([someIncident({ trouble })])
      const { says, after } = hear(state, null, 30_000)
      expect(says).toEqual([])
      expect(after.incidents).toEqual(state.incidents)
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
