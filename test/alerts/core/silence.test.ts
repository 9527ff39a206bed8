import { describe, expect, test } from 'vitest'
import { laidToRest, silencedWhenUnheard } from '../../../alerts/core/silence.ts'
import { someIncident } from './some.ts'

describe('of what was over before there was anybody to tell', () => {
  test('nothing is told', () => {
    expect(silencedWhenUnheard(someIncident({ ended: 99 }), 100)).toEqual(someIncident({ ended: 99, silenced: true }))
  })

  test.each([
    ['what lasts', { ended: null }],
    ['what was over at that moment', { ended: 100 }],
    [
      'what people were told of',
      { ended: 99, said: { down: { by: 'hub', at: 9 }, recovered: null, remindedAt: null } },
    ],
    ['what is silenced already', { ended: 99, silenced: true }],
  ] as const)('%s stays as it is', (_, more) => {
    const incident = someIncident(more)
    expect(silencedWhenUnheard(incident, 100)).toBe(incident)
  })
})

describe('an outage whose home is gone', () => {
  test('is over now, as the hub sees it too, and is neither told nor compared any more', () => {
    const views = { home: { began: 1, ended: null }, hub: { began: 2, ended: null } }
    expect(laidToRest(someIncident({ views }), 50)).toEqual(
      someIncident({
        ended: 50,
        views: { home: views.home, hub: { began: 2, ended: 50 } },
        silenced: true,
        met: true,
      }),
    )
  })

  test('that was over keeps its end, and the hub’s view of it', () => {
    const views = { home: null, hub: { began: 2, ended: 30 } }
    expect(laidToRest(someIncident({ ended: 40, views }), 50)).toMatchObject({ ended: 40, views })
    expect(laidToRest(someIncident({ ended: 40 }), 50).views.hub).toBeNull()
  })

  test('is laid to rest once', () => {
    const once = laidToRest(someIncident(), 50)
    expect(laidToRest(once, 60)).toBe(once)
    for (const left of [
      { ...once, ended: null },
      { ...once, silenced: false },
      { ...once, met: false },
    ])
      expect(laidToRest(left, 50)).toEqual(once)
  })
})
