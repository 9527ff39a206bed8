import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import { lossRatio } from '../../../agent/core/evidence/heartbeats.ts'
import type { Health } from '../../../agent/core/evidence/health.ts'
import type { Action, WatchEvent } from '../../../agent/core/state.ts'
import { next, wakeAt } from '../../../agent/core/watch.ts'
import { CARRIER, count, DEAD, mapping, settings, simulate, start, told, WAYS } from './judged/simulation.ts'

describe('a tunnel being watched', () => {
  test('the first answer brings it up', () => {
    const { watch, actions } = simulate(start(), 0, 60_000)
    expect(told(actions)).toEqual([['up', 20]])
    expect(watch.health).toMatchObject({ kind: 'up', since: 20 })
  })

  test('idle, it sends a heartbeat within each five seconds', () => {
    const { actions } = simulate(start(), 0, 3_600_000)
    const sent = count(actions, 'send-heartbeat')
    expect(sent).toBeGreaterThanOrEqual(749)
    expect(sent).toBeLessThanOrEqual(752)
    // At the start, and every ten minutes; the first mapping is no change.
    expect(count(actions, 'register')).toBe(6)
  })

  test('while nothing answers at the start, it asks four times a second', () => {
    const { actions } = simulate(start(), 0, 2_000, DEAD)
    expect(count(actions, 'send-heartbeat')).toBe(9)
  })

  test('a silence is doubted within seven seconds and called offline within thirty', () => {
    const up = simulate(start(), 0, 100_000)
    const { actions } = simulate(up.watch, up.now, 200_000, {
      ...DEAD,
      uplink: () => ({ gateway: null, beacon: null }),
    })
    const [doubtful, offline] = told(actions)
    expect(doubtful![0]).toBe('doubtful')
    expect(doubtful![1] - 100_000).toBeLessThan(7_000)
    expect(offline![0]).toBe('offline')
    expect(offline![1] - doubtful![1]).toBe(20_000)
    expect(count(actions, 'reconcile')).toBeGreaterThan(2)
  })

  test('one lost heartbeat is no doubt, and is followed by another within a second', () => {
    const up = simulate(start(), 0, 99_000)
    let lost = 0
    const { actions } = simulate(up.watch, up.now, 200_000, {
      heartbeat: (now) => (lost === 0 ? ((lost = now), 'lost') : 'answered'),
    })
    expect(told(actions)).toEqual([])
    const after = actions.find(({ at, action }) => action.kind === 'send-heartbeat' && at > lost)
    expect(after!.at - lost).toBeLessThan(1_000)
  })

  test('it recovers with the first answer after an outage, without a false step', () => {
    const up = simulate(start(), 0, 100_000)
    const { actions, watch } = simulate(up.watch, up.now, 300_000, {
      ...DEAD,
      heartbeat: (now) => (now > 160_000 ? 'answered' : 'lost'),
    })
    expect(told(actions).map(([kind]) => kind)).toEqual(['doubtful', 'offline', 'up'])
    expect(told(actions)[2]![1] - 160_000).toBeLessThan(1_100)
    expect(watch.health.kind).toBe('up')
    // The outage is no everyday loss of the line.
    expect(lossRatio(watch.heartbeats)).toBe(0)
  })

  test('another mapping is told and registered once', () => {
    const up = simulate(start(), 0, 100_000)
    const moved = { address: '198.51.100.12', port: 41_000 }
    const sequence = up.watch.heartbeats.nextSequence
    const [sent] = next(up.watch, { kind: 'tick' }, 200_000)
    const [, actions] = next(sent, { kind: 'answer', sequence, mapping: moved, inUse: false, asks: false }, 200_020)
    expect(actions.map((action) => action.kind)).toEqual(['tell-mapping', 'tell-cause', 'register', 'ask-sizes'])
    expect(actions[2]).toEqual({ kind: 'register', reason: 'mapping-changed' })
  })

  test('a hub that has not looked yet is asked again within a second, but not for ever', () => {
    const { actions } = simulate(start(), 0, 60_000, { seen: () => null })
    const sentAt = actions.flatMap(({ at, action }) => (action.kind === 'send-heartbeat' ? [at] : []))
    expect(sentAt[1]! - sentAt[0]!).toBe(1_000)
    expect(sentAt.length).toBeLessThanOrEqual(18)
  })

  test('what the registrar saw is older than a heartbeat that was answered meanwhile', () => {
    let watch = start()
    ;[watch] = next(watch, { kind: 'tick' }, 0)
    ;[watch] = next(watch, { kind: 'answer', sequence: 0, mapping, inUse: false, asks: false }, 20)
    const old = { address: '198.51.100.9', port: 1 }
    ;[watch] = next(watch, { kind: 'registration-ended', outcome: 'done', mapping: old, view: null }, 40)
    expect(watch.ledger.current?.endpoint).toEqual(mapping)
  })

  test('while heartbeats fail, the registrar’s word on the mapping counts', () => {
    let watch = start()
    ;[watch] = next(watch, { kind: 'tick' }, 0)
    ;[watch] = next(watch, { kind: 'registration-ended', outcome: 'done', mapping, view: null }, 40)
    expect(watch.ledger.current?.endpoint).toEqual(mapping)
  })

  test('a new heartbeat interval counts from now on, and the hub is told', () => {
    const up = simulate(start(), 0, 60_000)
    const [watch, wanted] = next(
      up.watch,
      { kind: 'configured', settings: { ...settings, heartbeatMs: 25_000 } },
      60_000,
    )
    const { actions } = simulate(watch, 60_000, 160_000)
    expect(count(actions, 'send-heartbeat')).toBeLessThanOrEqual(5)
    expect(wanted).toContainEqual({ kind: 'register', reason: 'configuration' })
  })
})

test('a hub that asks with every heartbeat is asked what it wants, once in five seconds', () => {
  let { watch } = simulate(start(), 0, 100_000)
  const registered: number[] = []
  for (let now = 100_000; now < 120_000; now += 1_000) {
    const sequence = watch.heartbeats.nextSequence
    const [sent, before] = next(watch, { kind: 'tick' }, now)
    const [after, later] = next(sent, { kind: 'answer', sequence, mapping, inUse: true, asks: true }, now + 20)
    watch = after
    for (const action of [...before, ...later])
      if (action.kind === 'register') {
        registered.push(now)
        expect(action.reason).toBe('asked')
        ;[watch] = next(watch, { kind: 'registration-ended', outcome: 'done', mapping: null, view: null }, now + 50)
      }
  }
  expect(registered.length).toBeGreaterThanOrEqual(3)
  expect(registered.length).toBeLessThanOrEqual(5)
})

describe('from every reachable state', () => {
  const event = fc.oneof(
    fc.constant<WatchEvent>({ kind: 'tick' }),
    fc.record({
      kind: fc.constant('answer' as const),
      sequence: fc.nat(60),
      mapping: fc.option(
        fc.record({ address: fc.constantFrom('198.51.100.11', '198.51.100.12'), port: fc.integer({ min: 1, max: 3 }) }),
      ),
      inUse: fc.boolean(),
      asks: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('registration-ended' as const),
      outcome: fc.constantFrom('done' as const, 'unknown' as const, 'refused' as const, 'unreachable' as const),
      mapping: fc.constant(null),
      view: fc.option(
        fc.record({
          peerKnown: fc.boolean(),
          heardSeconds: fc.option(fc.integer({ min: 0, max: 60 })),
          handshakeSeconds: fc.option(fc.nat(200)),
          initiatedSeconds: fc.option(fc.nat(60)),
        }),
      ),
    }),
    fc.record({
      kind: fc.constant('remedy-ended' as const),
      executed: fc.boolean(),
      endpoint: fc.option(fc.constantFrom(...WAYS, CARRIER)),
    }),
    fc.constantFrom<WatchEvent>(
      { kind: 'refused' },
      { kind: 'looked', driftRepaired: true },
      { kind: 'looked', driftRepaired: false },
      { kind: 'described', canForgetFlow: true },
      { kind: 'transport-lost' },
    ),
    fc.record({
      kind: fc.constant('configured' as const),
      settings: fc.record({
        heartbeatMs: fc.integer({ min: 1_000, max: 60_000 }),
        inUseMs: fc.constant(1_000),
        jitter: fc.constant(0.5),
        mtu: fc.constantFrom(1_420, 1_280),
        lifeSeconds: fc.option(fc.integer({ min: 10, max: 300 })),
      }),
    }),
  )
  const history = fc.array(fc.record({ event, afterMs: fc.nat(40_000) }), { maxLength: 120 })

  /** Feeds a history; an outcome comes only when a registration is under way, as the shell promises. */
  function reach(steps: readonly { readonly event: WatchEvent; readonly afterMs: number }[]) {
    let watch = start()
    let now = 0
    const batches: (readonly Action[])[] = []
    let underWay = 0
    let remedies = 0
    for (const { event, afterMs } of steps) {
      now += afterMs
      if (event.kind === 'registration-ended') {
        if (underWay === 0) continue
        underWay -= 1
      }
      if (event.kind === 'remedy-ended') {
        if (remedies === 0) continue
        remedies -= 1
      }
      const [after, actions] = next(watch, event, now)
      watch = after
      batches.push(actions)
      underWay += actions.filter((action) => action.kind === 'register').length
      expect(underWay).toBeLessThanOrEqual(1)
      remedies += actions.filter((action) => action.kind === 'remedy').length
      expect(remedies).toBeLessThanOrEqual(1)
    }
    return { watch, now, batches }
  }

  test('an answer leads to up', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const { watch, now } = reach(steps)
        const sequence = watch.heartbeats.nextSequence
        // Long enough for the next heartbeat to be due in whatever state it is.
        const [sent, actions] = next(watch, { kind: 'tick' }, now + 60_000)
        expect(actions).toContainEqual({ kind: 'send-heartbeat', sequence })
        const [up] = next(sent, { kind: 'answer', sequence, mapping: null, inUse: false, asks: false }, now + 60_050)
        expect(up.health.kind).toBe<Health['kind']>('up')
      }),
    )
  })

  test('time without answers leads to offline within ninety seconds, or to healing where a cause is proven', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const { watch, now } = reach(steps)
        const { watch: later } = simulate(watch, now, now + 60_000 + 30_000, DEAD)
        expect<Health['kind'][]>(['offline', 'healing']).toContain(later.health.kind)
      }),
      { numRuns: 40 },
    )
  })

  test('never two registrations are under way, and one moment wants few actions', () => {
    fc.assert(
      fc.property(history, (steps) => {
        for (const actions of reach(steps).batches) {
          expect(actions.length).toBeLessThanOrEqual(8)
          expect(new Set(actions.map((action) => action.kind)).size).toBe(actions.length)
        }
      }),
    )
  })

  test('there is always a next moment to wake at, and waking then gets on', () => {
    fc.assert(
      fc.property(history, (steps) => {
        let { watch, now } = reach(steps)
        ;[watch] = next(watch, { kind: 'tick' }, now)
        for (let round = 0; round < 20; round += 1) {
          expect(wakeAt(watch)).toBeGreaterThan(now)
          expect(wakeAt(watch)).toBeLessThanOrEqual(now + 60_000)
          now = wakeAt(watch)
          ;[watch] = next(watch, { kind: 'tick' }, now)
        }
      }),
    )
  })
})
