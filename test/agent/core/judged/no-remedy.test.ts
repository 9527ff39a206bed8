import * as fc from '../../../properties.ts'
import { describe, expect, test } from 'vitest'
import { begun, causes, DEAD, simulate, start, told, WAYS, type World } from './simulation.ts'
import { FAULT_AT, after, lossyWorld, until } from './worlds.ts'

describe('no remedy without its evidence', () => {
  const outage = (lead: number): World => ({
    heartbeat: (now) => (now < 120_000 ? 'lost' : 'answered'),
    echo: (now) => (now < 120_000 - lead ? [] : WAYS),
    registrar: (now) => now >= 120_000 - lead,
    uplink: () => ({ gateway: true, beacon: false }),
  })

  test('a line away for twenty seconds is called offline and not repaired, whichever test comes back first', () => {
    for (const lead of [0, 100, 400]) {
      const { actions, watch, causes } = after(() => outage(lead))
      expect(begun(actions)).toEqual([])
      expect(causes).toEqual(['home-offline'])
      expect(watch.health.kind).toBe('up')
    }
  })

  test('a line that comes back while the hub was being asked is not called a dead hub', () => {
    for (let backAt = 118_000; backAt < 131_000; backAt += 100) {
      const isBack = (now: number): boolean => now >= backAt
      const { causes } = after(() => ({
        heartbeat: (now) => (isBack(now) ? 'answered' : 'lost'),
        echo: (now) => (isBack(now) ? WAYS : []),
        registrar: isBack,
        uplink: (now) => ({ gateway: true, beacon: isBack(now) }),
      }))
      expect(causes, `back at ${backAt}`).toEqual(['home-offline'])
    }
  })

  test('a hub that is away while the outside answers is told as that, and nothing is touched', () => {
    const { actions, causes } = after(() => ({ ...DEAD, uplink: () => ({ gateway: true, beacon: true }) }), 600_000)
    expect(begun(actions)).toEqual([])
    expect(causes).toEqual(['hub-down'])
  })

  test('a hub whose daemon is dead answers with its machine’s refusal: up, and nothing is touched', () => {
    const { actions, watch } = after(() => ({ ...DEAD, heartbeat: () => 'refused', carries: () => true }), 600_000)
    expect(told(actions)).toEqual([])
    expect(begun(actions)).toEqual([])
    expect(watch).toMatchObject({ health: { kind: 'up' }, isDaemonSilent: true })
  })

  test('refusals that somebody forges keep no dead tunnel up, and make no heartbeat slower', () => {
    const dead = after(() => DEAD, 600_000)
    const forged = after(() => ({ ...DEAD, heartbeat: () => 'refused' }), 600_000)
    expect(told(forged.actions)).toEqual(told(dead.actions))
    const heartbeats = ({ actions }: typeof dead) => actions.filter(({ action }) => action.kind === 'send-heartbeat')
    expect(heartbeats(forged)).toEqual(heartbeats(dead))
    expect(forged.watch).toMatchObject({ health: { kind: 'offline', cause: 'home-offline' }, isDaemonSilent: false })
  })

  test('a hub whose daemon is stopped answers nothing, and its machine carries on: no word of the line, and nothing is touched', () => {
    for (const beacon of [true, false]) {
      const stopped: World = { ...DEAD, uplink: () => ({ gateway: true, beacon }), carries: () => true }
      const { actions, watch, causes, now } = after(() => stopped, 120_000)
      expect(begun(actions)).toEqual([])
      expect(causes).toEqual([])
      // Until its registrar was asked in vain nothing tells it from a dead hub; from then on it is up without a gap.
      expect(told(actions).map(([kind]) => kind)).toEqual(['doubtful', 'up'])
      expect(watch).toMatchObject({ health: { kind: 'up' }, isDaemonSilent: true })
      // It goes on, and all is as before.
      const { watch: end, actions: rest } = simulate(watch, now, now + 60_000)
      expect(told(rest)).toEqual([])
      expect(end).toMatchObject({ health: { kind: 'up' }, isDaemonSilent: false })
    }
  })

  test('a tunnel that dies while the hub’s daemon is silent is noticed as soon as any', () => {
    const diesAt = FAULT_AT + 60_000
    const { actions } = after(() => ({ ...DEAD, heartbeat: () => 'refused', carries: (now) => now < diesAt }), 120_000)
    const [doubtful] = told(actions)
    expect(doubtful![0]).toBe('doubtful')
    expect(doubtful![1]).toBeGreaterThan(diesAt)
    expect(doubtful![1] - diesAt).toBeLessThan(5_700)
  })

  test('a registrar that is away while heartbeats are answered is no trouble of the tunnel', () => {
    const { actions, watch } = after(() => ({ registrar: () => false }), 3_600_000)
    expect(told(actions)).toEqual([])
    expect(begun(actions)).toEqual([])
    expect(watch.registration.registrar).toBe('unreachable')
  })

  test('echoes that the hub’s firewall drops are no proof of blocked UDP', () => {
    const blind = simulate(start(), 0, FAULT_AT, { echo: () => [] })
    expect(blind.watch.health.kind).toBe('up')
    const broken = { cured: false }
    const world = { ...until('new-source-port')(broken), echo: () => [] }
    const { actions } = simulate(blind.watch, blind.now, FAULT_AT + 60_000, world)
    expect(causes(actions)).toEqual(['flow-dead'])
  })

  test('an hour of 10 % loss and 300 ± 200 ms, an outage and an idle tunnel: not one remedy', () => {
    for (const seed of [42, 7, 1_234]) {
      const isAway = (now: number): boolean => now > 1_800_000 && now < 1_820_000
      const world = lossyWorld(seed, (now) => (isAway(now) ? 1 : 0.1))
      const { actions, watch } = simulate(start(), 0, 3_600_000, { ...world, isInUse: (now) => now > 2_400_000 })
      expect(begun(actions)).toEqual([])
      expect(watch.health.kind).toBe('up')
    }
  })

  /**
   * Of ten clean minutes and an hour in which this share of all round trips is lost, jitter 300 ms: how many remedies,
   * none of which has anything to repair. Seen in 160 hours of each: none up to 20 %, 2 at 40 %, 29 at 64 % (40 % each way),
   * nearly all as the loss begins, when nothing but its first row of misses is known. Where no more than eight misses
   * counted and two after a good sign, it was 0.7 and 39 in each hour.
   */
  test.each([
    [0.1, 0],
    [0.2, 0],
    [0.4, 1],
    [0.64, 3],
  ])('an hour in which %d of all is lost is no outage: at most %i false repairs in six hours', (loss, atMost) => {
    const worlds = [1, 2, 3, 4, 5, 6].map((seed) => ({
      ...lossyWorld(seed, (now) => (now < 600_000 ? 0 : loss)),
      isInUse: () => seed % 2 === 0,
    }))
    const remedies = worlds.flatMap((world) => begun(simulate(start(), 0, 4_200_000, world).actions))
    expect(remedies.length).toBeLessThanOrEqual(atMost)
  })

  test('and a real death in a clean line is noticed as soon as ever, whatever was lost long before', () => {
    const up = simulate(
      start(),
      0,
      1_500_000,
      lossyWorld(3, (now) => (now < 300_000 ? 0.4 : 0)),
    )
    const { actions } = simulate(up.watch, up.now, up.now + 60_000, until('new-source-port')({ cured: false }))
    expect(told(actions).find(([kind]) => kind === 'up')![1] - up.now).toBeLessThan(7_000)
  })
})

describe('the ladder', () => {
  const hopeless = after(() => ({ heartbeat: () => 'lost' }), 1_800_000)

  test('is gone through from the mildest remedy on, again and again, with growing pauses, and never ends', () => {
    const kinds = begun(hopeless.actions).map(({ remedy }) => remedy.kind)
    expect(kinds[0]).toBe('new-source-port')
    expect(new Set(kinds)).toEqual(
      new Set(['new-source-port', 'set-endpoint', 'new-session', 'carrier', 'reset', 'rebuild', 'silence']),
    )
    const lastAt = begun(hopeless.actions).at(-1)!.at
    expect(FAULT_AT + 1_800_000 - lastAt).toBeLessThan(90_000)
  })

  test('never holds two remedies at once', () => {
    let underWay = 0
    for (const { action } of hopeless.actions) {
      if (action.kind === 'remedy') underWay += 1
      if (action.kind === 'tell-remedy') underWay -= 1
      expect(underWay).toBeLessThanOrEqual(1)
    }
  })

  test('begins with what helped this line before', () => {
    const first = after(until('set-endpoint'))
    expect(first.watch.helped).toEqual({ 'flow-dead': 'set-endpoint' })
    const again = simulate(first.watch, first.now, first.now + 30_000, until('set-endpoint')({ cured: false }))
    expect(begun(again.actions)[0]!.remedy.kind).toBe('set-endpoint')
  })

  const evidence = fc.record({
    echo: fc.subarray([...WAYS]),
    registrar: fc.boolean(),
    beacon: fc.option(fc.boolean()),
    peerKnown: fc.boolean(),
    handshakeSeconds: fc.option(fc.nat(200)),
    heardSeconds: fc.option(fc.nat(200)),
    initiatedSeconds: fc.option(fc.nat(60)),
    lastsMs: fc.integer({ min: 100, max: 60_000 }),
  })

  type Evidence = typeof evidence extends fc.Arbitrary<infer Value> ? Value : never

  /** Worlds one after the other, in which these heartbeats and tests are so and all else is at random. */
  function remediesIn(worlds: readonly Evidence[], fixed: World): readonly unknown[] {
    let { watch, now } = simulate(start(), 0, 10_000)
    return worlds.flatMap(({ echo, registrar, beacon, lastsMs, ...view }) => {
      const end = simulate(watch, now, now + lastsMs, {
        echo: () => echo,
        registrar: () => registrar,
        uplink: () => ({ gateway: null, beacon }),
        view: () => view,
        ...fixed,
      })
      ;({ watch, now } = end)
      return begun(end.actions)
    })
  }

  test('a remedy never runs without its evidence: not while heartbeats are answered, whatever the tests say', () => {
    fc.assert(
      fc.property(fc.array(evidence, { minLength: 1, maxLength: 8 }), (worlds) => {
        expect(remediesIn(worlds, { heartbeat: () => 'answered' })).toEqual([])
      }),
    )
  })

  test('nor while heartbeats are lost and neither echo nor registrar answers', () => {
    fc.assert(
      fc.property(fc.array(evidence, { minLength: 1, maxLength: 8 }), (worlds) => {
        expect(remediesIn(worlds, { heartbeat: () => 'lost', echo: () => [], registrar: () => false })).toEqual([])
      }),
    )
  })

  test('from every world that changes at random: when answers return, it is up within one heartbeat', () => {
    const world = fc.record({
      heartbeat: fc.constantFrom<'lost' | 'refused' | 'answered'>('lost', 'lost', 'refused', 'answered'),
      echo: fc.subarray([...WAYS]),
      registrar: fc.boolean(),
      beacon: fc.option(fc.boolean()),
      peerKnown: fc.boolean(),
      handshakeSeconds: fc.option(fc.nat(200)),
      heardSeconds: fc.option(fc.nat(200)),
      initiatedSeconds: fc.option(fc.nat(60)),
      executed: fc.boolean(),
      lastsMs: fc.integer({ min: 100, max: 90_000 }),
    })
    fc.assert(
      fc.property(fc.array(world, { minLength: 1, maxLength: 12 }), (worlds) => {
        let { watch, now } = simulate(start(), 0, 10_000)
        let underWay = 0
        for (const one of worlds) {
          const { heartbeat, echo, registrar, beacon, executed, ...view } = one
          const end = simulate(watch, now, now + one.lastsMs, {
            heartbeat: () => heartbeat,
            echo: () => echo,
            registrar: () => registrar,
            uplink: () => ({ gateway: null, beacon }),
            view: () => view,
            remedy: () => executed,
          })
          for (const { action } of end.actions) {
            if (action.kind === 'remedy') underWay += 1
            expect(underWay).toBeLessThanOrEqual(2)
            if (action.kind === 'tell-remedy') underWay = Math.max(0, underWay - 1)
          }
          ;({ watch, now } = end)
          underWay = watch.remediation.underWay === null ? 0 : 1
        }
        const { watch: end } = simulate(watch, now, now + 5_100)
        expect(end.health.kind).toBe('up')
      }),
    )
  })
})
