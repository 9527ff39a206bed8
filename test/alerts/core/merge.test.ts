import { describe, expect, test } from 'vitest'
import type { Incident } from '../../../alerts/core/incident.ts'
import { answered, counterpart, merged } from '../../../alerts/core/merge.ts'
import { someIncident } from './some.ts'

const SAID_BY_HUB = { down: { by: 'hub', at: 40 }, recovered: null, remindedAt: 77 } as const
const SAID_BY_HOME = { down: { by: 'home', at: 41 }, recovered: { by: 'home', at: 90 }, remindedAt: 78 } as const

const ofHub = (more: Parameters<typeof someIncident>[0] = {}): Incident =>
  someIncident({ id: 'hub-1', seenBy: 'hub', trouble: 'home-dark', ...more })
const ofHome = (more: Parameters<typeof someIncident>[0] = {}): Incident => someIncident({ id: 'home-1', ...more })

describe('which of the hub’s incidents the home reports', () => {
  test('the one of the same name, or that had it', () => {
    const other = ofHub({ id: 'hub-0' })
    const same = ofHub({ id: 'home-1', views: { home: { began: 0, ended: null }, hub: null } })
    expect(counterpart([other, same], ofHome())).toBe(same)
    const renamed = ofHub({ alias: 'home-1', views: { home: { began: 0, ended: null }, hub: null } })
    expect(counterpart([other, renamed], ofHome())).toBe(renamed)
  })

  test('else the first that the hub alone has seen at that time', () => {
    const compared = ofHub({ id: 'hub-0', views: { home: { began: 0, ended: null }, hub: null } })
    const [first, second] = [ofHub(), ofHub({ id: 'hub-2' })]
    expect(counterpart([compared, first, second], ofHome())).toBe(first)
    expect(counterpart([compared], ofHome())).toBeNull()
  })

  test('none of another home, nor of another scope or service', () => {
    const others = [ofHub({ home: 'barn' }), ofHub({ scope: 'agent' }), ofHub({ subject: '443/tcp' })]
    expect(counterpart(others, ofHome())).toBeNull()
    // Not even by name.
    const sameName = others.map((one) => ({ ...one, id: 'home-1', alias: 'home-1' }))
    expect(counterpart(sameName, ofHome())).toBeNull()
  })

  test('up to thirty seconds lie between what the two ends noticed of the same', () => {
    const early = ofHub({ began: 0, ended: 10_000 })
    expect(counterpart([early], ofHome({ began: 40_000 }))).toBe(early)
    expect(counterpart([early], ofHome({ began: 40_001 }))).toBeNull()
    const late = ofHub({ began: 40_000 })
    expect(counterpart([late], ofHome({ began: 0, ended: 10_000 }))).toBe(late)
    expect(counterpart([late], ofHome({ began: 0, ended: 9_999 }))).toBeNull()
    // What lasts fits whatever comes later.
    expect(counterpart([ofHub()], ofHome({ began: 9_000_000 }))).not.toBeNull()
  })
})

describe('the hub’s incident with what the home reports', () => {
  test('what the hub has not seen is the home’s, and whom the home had to tell is the home’s affair', () => {
    const views = { home: { began: 1, ended: 2 }, hub: { began: 3, ended: 4 } }
    expect(merged(null, ofHome({ began: 5, ended: 6, silenced: true, views }))).toEqual(
      ofHome({ began: 5, ended: 6, silenced: false, views: { home: { began: 5, ended: 6 }, hub: null } }),
    )
  })

  test('untold, it takes the home’s name, and remembers its own', () => {
    expect(merged(ofHub(), ofHome())).toMatchObject({ id: 'home-1', alias: 'hub-1' })
    // A second report finds the home’s name there already.
    expect(merged(ofHub({ id: 'home-1', alias: 'hub-1' }), ofHome())).toMatchObject({ id: 'home-1', alias: 'hub-1' })
  })

  test('told, it keeps its name', () => {
    expect(merged(ofHub({ said: SAID_BY_HUB }), ofHome())).toMatchObject({ id: 'hub-1', alias: 'home-1' })
  })

  test('both views stand, from the earlier beginning', () => {
    const both = merged(ofHub({ began: 28 }), ofHome({ began: 12 }))
    expect(both).toMatchObject({
      began: 12,
      ended: null,
      isWritten: true,
      views: { home: { began: 12, ended: null }, hub: { began: 28, ended: null } },
    })
    expect(merged(ofHub({ began: 5 }), ofHome({ began: 12 })).began).toBe(5)
  })

  test('it is over when the home says so, for the hub when it last heard that all is well', () => {
    const over = merged(ofHub({ wellSince: 70 }), ofHome({ ended: 60 }))
    expect(over).toMatchObject({ ended: 60, wellSince: 70, views: { home: { ended: 60 }, hub: { ended: 70 } } })
    expect(merged(ofHub(), ofHome({ ended: 60 })).views.hub).toEqual({ began: 0, ended: 60 })
    expect(merged(ofHub({ wellSince: 70 }), ofHome()).views.hub).toEqual({ began: 0, ended: null })
    // What the hub knew of its end stays.
    const known = { home: null, hub: { began: 0, ended: 55 } }
    expect(merged(ofHub({ views: known }), ofHome({ ended: 60 })).views.hub).toBe(known.hub)
    expect(merged(ofHub({ views: { home: null, hub: null } }), ofHome({ ended: 60 })).views.hub).toBeNull()
  })

  test('what was told to be over is not open again by an old report', () => {
    const told = { ...SAID_BY_HUB, recovered: { by: 'hub', at: 100 } } as const
    expect(merged(ofHub({ ended: 80, said: told }), ofHome()).ended).toBe(80)
    expect(merged(ofHub({ ended: 80, said: SAID_BY_HUB }), ofHome()).ended).toBeNull()
  })

  test('causes are the home’s when it knows one', () => {
    const both = merged(ofHub(), ofHome())
    expect(both.causes.map(({ trouble }) => trouble)).toEqual(['flow-dead'])
    const causes = [
      { trouble: 'unknown', at: 0 },
      { trouble: 'flow-dead', at: 1 },
    ] as const
    expect(merged(ofHub(), ofHome({ causes })).causes).toBe(causes)
    const unsure = merged(ofHub(), ofHome({ trouble: 'unknown' }))
    expect(unsure.causes.map(({ trouble }) => trouble)).toEqual(['home-dark'])
  })

  test('what the hub has told stands, else what the home has; whom the hub reminded is the hub’s affair', () => {
    expect(merged(ofHub({ said: SAID_BY_HUB }), ofHome({ said: SAID_BY_HOME })).said).toEqual({
      down: SAID_BY_HUB.down,
      recovered: SAID_BY_HOME.recovered,
      remindedAt: 77,
    })
    expect(merged(ofHub(), ofHome({ said: SAID_BY_HOME })).said).toEqual({ ...SAID_BY_HOME, remindedAt: null })
    const own = { ...SAID_BY_HUB, recovered: { by: 'hub', at: 85 } } as const
    expect(merged(ofHub({ said: own }), ofHome({ said: SAID_BY_HOME })).said.recovered).toBe(own.recovered)
  })

  test('whom the hub has to tell is the hub’s affair', () => {
    expect(merged(ofHub({ silenced: true }), ofHome()).silenced).toBe(true)
    expect(merged(ofHub(), ofHome({ silenced: true })).silenced).toBe(false)
  })
})

describe('the home’s incident with what the hub answers', () => {
  test('takes the hub’s name and view, and all else stays', () => {
    const own = ofHome({ flaps: 3 })
    const views = { home: { began: 1, ended: 2 }, hub: { began: 28, ended: null } }
    expect(answered(own, ofHub({ views }))).toEqual({
      ...own,
      id: 'hub-1',
      alias: 'home-1',
      views: { home: own.views.home, hub: views.hub },
    })
  })

  test('the same name makes no other of it', () => {
    expect(answered(ofHome({ alias: 'older' }), ofHub({ id: 'home-1' })).alias).toBe('older')
  })

  test('what the home has told stands, else what the hub has', () => {
    expect(answered(ofHome({ said: SAID_BY_HOME }), ofHub({ said: SAID_BY_HUB })).said).toEqual(SAID_BY_HOME)
    const over = { ...SAID_BY_HUB, recovered: { by: 'hub', at: 85 } } as const
    expect(answered(ofHome(), ofHub({ said: over })).said).toEqual({ ...over, remindedAt: null })
  })
})
