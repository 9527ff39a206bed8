import { describe, expect, test } from 'vitest'
import { troubleOf } from '../../../alerts/core/incident.ts'
import { settingsOf, twoEnds } from './two-ends.ts'

describe('one incident, one down and one recovered', () => {
  test('an outage that the home can tell of: the home tells it, the hub does not', () => {
    const ends = twoEnds()
    ends.sign('home', 'unknown')
    ends.wait(2)
    ends.sign('home', 'flow-dead')
    ends.wait(28)
    ends.sign('hub', 'home-dark', 0)
    ends.wait(60)
    ends.well('home')
    ends.well('hub')
    ends.wait(120)
    expect(ends.said).toMatchObject([
      { end: 'home', what: 'down', cause: 'flow-dead', at: 30_000 },
      { end: 'home', what: 'recovered', cause: 'flow-dead' },
    ])
  })

  test('the home’s line is away: the hub tells it, and the home adds the cause without a word', () => {
    const ends = twoEnds()
    ends.cutLine(true)
    ends.sign('home', 'unknown')
    ends.wait(10)
    ends.sign('home', 'home-offline')
    ends.wait(18)
    ends.sign('hub', 'home-dark', 0)
    ends.wait(100)
    ends.cutLine(false)
    ends.well('home')
    ends.well('hub')
    ends.wait(120)
    expect(ends.said).toMatchObject([
      { end: 'hub', what: 'down', cause: 'home-dark', at: 30_000 },
      { end: 'hub', what: 'recovered', cause: 'home-offline' },
    ])
    const [ofHub] = ends.desks.hub.incidents
    expect(ofHub).toMatchObject({ met: true, views: { home: { began: 0 }, hub: { began: 0 } } })
    expect(new Set(ends.said.map(({ id }) => id)).size).toBe(1)
  })

  test('the hub is away: the home tells it without asking, for its own line is proven', () => {
    const ends = twoEnds()
    ends.cutLine(true)
    ends.sign('home', 'hub-down')
    ends.wait(60)
    expect(ends.said).toMatchObject([{ end: 'home', what: 'down', cause: 'hub-down', at: 30_000 }])
    ends.cutLine(false)
    ends.well('home')
    ends.wait(120)
    expect(ends.said).toHaveLength(2)
    expect(ends.said[1]).toMatchObject({ end: 'home', what: 'recovered' })
  })

  test('with no cause and no hub the home waits: it may be its own line that is away', () => {
    const ends = twoEnds()
    ends.cutLine(true)
    ends.sign('home', 'unknown')
    ends.wait(300)
    expect(ends.said).toEqual([])
  })

  test('a hub that cannot speak gives the home the word, also for what is over', () => {
    const ends = twoEnds(settingsOf('home'), settingsOf('hub', { canSpeak: false }))
    ends.cutLine(true)
    ends.sign('home', 'home-offline')
    ends.sign('hub', 'home-dark')
    ends.wait(90)
    ends.cutLine(false)
    ends.well('home')
    ends.well('hub')
    ends.wait(60)
    expect(ends.said).toMatchObject([
      { end: 'home', what: 'down', cause: 'home-offline' },
      { end: 'home', what: 'recovered', cause: 'home-offline' },
    ])
  })

  test('a home that cannot speak leaves it to the hub, which knows the cause from it', () => {
    const ends = twoEnds(settingsOf('home', { canSpeak: false }))
    ends.sign('home', 'flow-dead')
    ends.wait(28)
    ends.sign('hub', 'home-dark', 0)
    ends.wait(30)
    ends.well('home')
    ends.well('hub')
    ends.wait(60)
    expect(ends.said).toMatchObject([
      { end: 'hub', what: 'down', cause: 'flow-dead' },
      { end: 'hub', what: 'recovered', cause: 'flow-dead' },
    ])
  })

  test('what heals in time is told to nobody, and both ends have it in their record', () => {
    const ends = twoEnds()
    ends.sign('home', 'flow-dead')
    ends.wait(20)
    ends.well('home')
    ends.wait(60)
    expect(ends.said).toEqual([])
    expect(ends.written.some(({ end }) => end === 'home')).toBe(true)
    expect(ends.desks.hub.incidents).toMatchObject([{ met: true, ended: 20_000, views: { hub: null } }])
    expect(ends.desks.home.incidents).toEqual([])
  })

  test.each(['home', 'hub'] as const)('what lasts is on disk at the %s although nobody is reached or told', (end) => {
    const ends = twoEnds(settingsOf('home', { canSpeak: false }), settingsOf('hub', { canSpeak: false }))
    ends.cutLine(true)
    ends.sign(end, 'unknown')
    ends.wait(9)
    expect(ends.written).toEqual([])
    ends.wait(60)
    expect(ends.written).toMatchObject([{ end }])
  })

  test('each end counts it once, whoever told it', () => {
    const ends = twoEnds()
    ends.cutLine(true)
    ends.sign('home', 'home-offline')
    ends.sign('hub', 'home-dark')
    ends.wait(90)
    ends.cutLine(false)
    ends.well('home')
    ends.well('hub')
    ends.wait(120)
    expect(ends.over.map(({ end }) => end).sort()).toEqual(['home', 'hub'])
  })

  test('an outage that ends while the hub is asked ends on the hub too', () => {
    const ends = twoEnds()
    ends.slowDown(8)
    ends.sign('home', 'flow-dead')
    ends.wait(31)
    ends.well('home')
    ends.wait(30)
    expect(ends.said.map(({ end, what }) => [end, what])).toEqual([
      ['home', 'down'],
      ['home', 'recovered'],
    ])
    expect(ends.desks.hub.incidents).toMatchObject([{ ended: 31_000, met: true }])
    expect(ends.desks.home.incidents).toEqual([])
    // So that the next one is another: of that the hub may have to tell.
    ends.cutLine(true)
    ends.sign('hub', 'home-dark')
    ends.wait(40)
    expect(ends.said.at(-1)).toMatchObject({ end: 'hub', what: 'down' })
  })

  test('a mapping that moved is an incident without an outage', () => {
    const ends = twoEnds(settingsOf('home', { showAfterSeconds: 0 }))
    ends.passing('mapping-changed')
    ends.wait(30)
    expect(ends.said.map(({ what, cause }) => [what, cause])).toEqual([
      ['down', 'mapping-changed'],
      ['recovered', 'mapping-changed'],
    ])
  })

  test('of an outage that lasts people are reminded after six hours, then daily', () => {
    const ends = twoEnds()
    ends.cutLine(true)
    ends.sign('home', 'hub-down')
    ends.wait(3 * 24 * 3_600, 300)
    const hours = ends.said.filter(({ what }) => what === 'reminder').map(({ at }) => Math.round(at / 3_600_000))
    expect(hours).toEqual([6, 30, 54])
    // A restart reminds nobody again.
    expect(ends.written.length).toBeGreaterThanOrEqual(4)
  })

  test('the hub has the word while a home that it hears says nothing', () => {
    const ends = twoEnds()
    ends.sign('home', 'flow-dead')
    ends.wait(12)
    // Its power fails: it reported the outage, and says nothing ever after.
    ends.sign('hub', 'home-dark', 0)
    const home = ends.desks.home
    ends.cutLine(true)
    for (let second = 0; second < 60; second += 1)
      ends.take('hub', { kind: 'sign', id: 'x', home: 'cabin', scope: 'tunnel', trouble: 'home-dark', since: 0 })
    ends.desks.home = { ...home, incidents: [] }
    ends.wait(60)
    expect(ends.said).toMatchObject([{ end: 'hub', what: 'down', at: 50_000 }])
  })
})

describe('what hides what', () => {
  test('a dead hub hides that its registrar does not answer', () => {
    const ends = twoEnds(settingsOf('home', { showAfterSeconds: 0 }))
    ends.cutLine(true)
    ends.sign('home', 'hub-down')
    ends.take('home', {
      kind: 'sign',
      id: 'r',
      home: 'cabin',
      scope: 'registrar',
      trouble: 'registrar-unreachable',
      since: 0,
    })
    ends.wait(100)
    expect(ends.said.map(({ cause }) => cause)).toEqual(['hub-down'])
  })

  test('what is proven is not forgotten for what is not', () => {
    const ends = twoEnds()
    ends.sign('home', 'flow-dead')
    ends.sign('home', 'unknown')
    expect(troubleOf(ends.desks.home.incidents[0]!)).toBe('flow-dead')
  })
})
