import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import type { HubWord } from '../../../agent/core/evidence.ts'
import type { Remedy } from '../../../agent/core/ladder.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { sameEndpoint } from '../../../wireguard/spec.ts'
import {
  begun,
  CARRIER,
  causes,
  count,
  DEAD,
  reports,
  simulate,
  start,
  told,
  WAYS,
  wellWord,
  type World,
} from './simulation.ts'

const FAULT_AT = 100_000
const [FIRST, SECOND] = WAYS as readonly [Endpoint, Endpoint]

/** A tunnel that was up for a while, and then this. */
function after(world: (broken: { cured: boolean }) => World, forMs = 60_000) {
  const up = simulate(start(), 0, FAULT_AT)
  const broken = { cured: false }
  const end = simulate(up.watch, up.now, FAULT_AT + forMs, world(broken))
  const back = told(end.actions).find(([kind]) => kind === 'up')
  return { ...end, healedMs: back === undefined ? null : back[1] - FAULT_AT, causes: causes(end.actions) }
}

/** Heartbeats are lost until a remedy of this kind was carried out. */
const until =
  (kind: Remedy['kind'], rest: World = {}) =>
  (broken: { cured: boolean }): World => ({
    heartbeat: () => (broken.cured ? 'answered' : 'lost'),
    remedy: (remedy) => {
      if (remedy.kind === kind) broken.cured = true
      return true
    },
    ...rest,
  })

describe('a fault is named, and cured by the remedy for it', () => {
  test('a flow that died: another source port, within eight seconds', () => {
    const { healedMs, causes, actions, watch } = after(until('new-source-port'))
    expect(causes).toEqual(['flow-dead'])
    expect(healedMs).toBeLessThan(8_000)
    expect(reports(actions)).toMatchObject([{ remedy: 'new-source-port', cause: 'flow-dead', helped: true }])
    expect(watch).toMatchObject({ health: { kind: 'up' }, cure: { underWay: null, tried: [] } })
  })

  test('a router that acts at once and says so late: the remedy is still what helped', () => {
    const { actions, watch } = after(until('new-source-port', { remedyMs: 700 }))
    expect(reports(actions)).toMatchObject([{ remedy: 'new-source-port', cause: 'flow-dead', helped: true }])
    expect(watch).toMatchObject({ health: { kind: 'up' }, cure: { underWay: null, tried: [] } })
    expect(watch.helped).toMatchObject({ 'flow-dead': 'new-source-port' })
  })

  test('answers to what was sent before a remedy began say nothing of it', () => {
    // Not lost, only very late.
    const lateMs = 2_000
    let begunAt = Infinity
    const { actions } = after(
      () => ({
        heartbeat: (now) => (now < begunAt ? 'answered' : 'lost'),
        roundTripMs: () => lateMs,
        remedy: (_, now) => {
          begunAt = Math.min(begunAt, now)
          return true
        },
        remedyMs: lateMs,
        word: () => wellWord(60_000),
      }),
      8_000,
    )
    expect(begun(actions)).not.toEqual([])
    expect(reports(actions).filter(({ helped }) => helped)).toEqual([])
  })

  test('a way back that died, since the hub still hears us', () => {
    const { causes } = after(until('new-source-port', { word: () => wellWord(200) }))
    expect(causes).toEqual(['return-dead'])
  })

  test('while the tunnel is used, all of it takes less than three seconds', () => {
    for (let phase = 0; phase < 1_000; phase += 130) {
      const up = simulate(start(), 0, FAULT_AT + phase, { isInUse: () => true })
      const broken = { cured: false }
      const { actions } = simulate(up.watch, up.now, up.now + 20_000, until('new-source-port')(broken))
      expect(told(actions).find(([kind]) => kind === 'up')![1] - up.now).toBeLessThan(2_800)
    }
  })

  test('a port of the hub that died: another port, and back to the first one when it answers again', () => {
    const { watch, actions, causes, healedMs } = after(
      () => ({
        heartbeat: (now, way) => (now < 900_000 && sameEndpoint(way, FIRST) ? 'lost' : 'answered'),
        echo: (now) => (now < 900_000 ? [SECOND] : WAYS),
      }),
      1_200_000,
    )
    expect(causes).toEqual(['port-blocked'])
    expect(healedMs).toBeLessThan(9_000)
    expect(reports(actions)).toMatchObject([
      { remedy: 'set-endpoint', cause: 'port-blocked', helped: true },
      { remedy: 'way-back', helped: true },
    ])
    expect(watch.away).toBeNull()
    const back = begun(actions)[1]!
    expect(back.remedy).toEqual({ kind: 'set-endpoint', way: FIRST })
    expect(back.at).toBeGreaterThan(900_000)
  })

  test('a hub that moved with its name: the address that the name has now', () => {
    const moved = { address: '203.0.113.99', port: 51_820 }
    const { causes, healedMs } = after(() => ({
      heartbeat: (_, way) => (way.address === moved.address ? 'answered' : 'lost'),
      echo: () => [moved],
      named: () => [moved.address],
    }))
    expect(causes).toEqual(['endpoint-moved'])
    expect(healedMs).toBeLessThan(9_000)
  })

  test('all UDP blocked: the carrier within twenty seconds, and back within a minute when UDP works again', () => {
    const { actions, causes, healedMs, watch } = after(
      () => ({
        heartbeat: (now, way) => (way === CARRIER || now > 500_000 ? 'answered' : 'lost'),
        echo: (now) => (now > 500_000 ? WAYS : []),
      }),
      600_000,
    )
    expect(causes).toEqual(['udp-blocked'])
    expect(healedMs).toBeLessThan(12_000)
    const back = begun(actions).at(-1)!
    expect(back.remedy).toEqual({ kind: 'set-endpoint', way: FIRST })
    expect(back.at - 500_000).toBeLessThan(45_000)
    expect(count(actions, 'close-carrier')).toBe(1)
    expect(watch.away).toBeNull()
  })

  test('and is not taken for a dead flow, however slow the round of echoes is', () => {
    for (let phase = 0; phase < 5_000; phase += 170) {
      const up = simulate(start(), 0, FAULT_AT + phase)
      const { actions } = simulate(up.watch, up.now, up.now + 30_000, {
        heartbeat: (_, way) => (way === CARRIER ? 'answered' : 'lost'),
        echo: () => [],
      })
      expect(causes(actions)).toEqual(['udp-blocked'])
    }
  })

  test('a way back that does not carry the tunnel is turned back from at once, and tried ever more seldom', () => {
    const { actions, watch } = after(
      () => ({
        heartbeat: (_, way) => (way === CARRIER ? 'answered' : 'lost'),
        echo: (now) => (now > 150_000 ? WAYS : []),
      }),
      3_600_000,
    )
    const tries = begun(actions).filter(({ remedy }) => remedy.kind === 'set-endpoint')
    expect(tries.length).toBeGreaterThan(2)
    expect(tries.length).toBeLessThan(12)
    expect(watch).toMatchObject({ health: { kind: 'up' }, away: { on: 'carrier' } })
    // Each vain way back is followed by the carrier within seconds.
    for (const { at } of tries)
      expect(
        begun(actions).some(({ at: then, remedy }) => remedy.kind === 'carrier' && then > at && then < at + 4_000),
      ).toBe(true)
  })

  test('a hub that forgot us: registered again', () => {
    const unknown: HubWord = { peerKnown: false, handshakeSeconds: null, heardSeconds: null, initiatedSeconds: null }
    const { causes, actions, healedMs } = after(until('register', { word: () => unknown }))
    expect(causes).toEqual(['peer-unknown'])
    expect(begun(actions).map(({ remedy }) => remedy.kind)).toEqual(['register'])
    expect(healedMs).toBeLessThan(9_000)
  })

  test('a hub that lost the session: a new one', () => {
    const fresh: HubWord = { peerKnown: true, handshakeSeconds: null, heardSeconds: null, initiatedSeconds: null }
    const { causes, healedMs } = after(until('new-session', { word: () => fresh }))
    expect(causes).toEqual(['session-lost'])
    expect(healedMs).toBeLessThan(9_000)
  })

  test('initiations that arrive and are not accepted: the hub forgets what it remembers', () => {
    const refused: HubWord = { peerKnown: true, handshakeSeconds: 90, heardSeconds: 30, initiatedSeconds: 0.2 }
    const { causes, actions } = after(until('reset', { word: () => refused }))
    expect(causes).toEqual(['handshake-refused'])
    expect(begun(actions).map(({ remedy }) => remedy.kind)).toEqual(['reset'])
  })

  test('initiations that the hub does answer are a dead way back', () => {
    const answered: HubWord = { peerKnown: true, handshakeSeconds: 90, heardSeconds: 0.3, initiatedSeconds: 0.2 }
    expect(after(until('new-source-port', { word: () => answered })).causes).toEqual(['return-dead'])
  })

  test('a machine that was changed: mended, and called drift', () => {
    const { causes, actions, healedMs } = after((broken) => ({
      heartbeat: () => (broken.cured ? 'answered' : 'lost'),
      mends: () => !broken.cured && (broken.cured = true),
      echo: () => WAYS,
    }))
    expect(causes).toEqual(['drift'])
    expect(reports(actions)).toMatchObject([{ remedy: 'apply', cause: 'drift', helped: true }])
    // Mended before anybody doubted, it never went down.
    expect(healedMs ?? 0).toBeLessThan(8_000)
    expect(begun(actions)).toEqual([])
  })

  test('a machine that was changed in what heartbeats do not see: mended within ten seconds', () => {
    const { causes, actions } = after((broken) => ({ mends: () => !broken.cured && (broken.cured = true) }))
    expect(causes).toEqual(['drift'])
    expect(actions.find(({ action }) => action.kind === 'tell-cause')!.at - FAULT_AT).toBeLessThan(9_000)
  })
})

describe('a full size that stops passing', () => {
  const used: World = { isInUse: () => true, sizes: (now) => (now < FAULT_AT ? 1_420 : 1_220) }

  test('is noticed while the tunnel is used, and both ends send smaller packets within twenty seconds', () => {
    const { watch, actions } = simulate(start(), 0, FAULT_AT + 60_000, used)
    const [first, ...more] = begun(actions)
    expect(first).toMatchObject({ remedy: { kind: 'set-mtu', mtu: 1_220 } })
    expect(first!.at - FAULT_AT).toBeLessThan(20_000)
    expect(more).toEqual([])
    expect(causes(actions)).toEqual(['mtu-black-hole'])
    expect(watch.pathMtu.mtu).toBe(1_220)
    expect(actions.some(({ action }) => action.kind === 'register' && action.reason === 'mtu')).toBe(true)
  })

  test('and goes back when the full size passes again', () => {
    const { watch } = simulate(start(), 0, 1_000_000, {
      isInUse: () => true,
      sizes: (now) => (now > FAULT_AT && now < 500_000 ? 1_220 : 1_420),
    })
    expect(watch.pathMtu.mtu).toBe(1_420)
  })

  test('a round in which nothing came back says nothing', () => {
    const { actions } = simulate(start(), 0, 600_000, {
      isInUse: () => true,
      sizes: (now) => (now < FAULT_AT ? 1_420 : 0),
    })
    expect(begun(actions)).toEqual([])
  })
})

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
    const { actions, watch } = after(() => ({ ...DEAD, heartbeat: () => 'refused' }), 600_000)
    expect(told(actions)).toEqual([])
    expect(begun(actions)).toEqual([])
    expect(watch).toMatchObject({ health: { kind: 'up' }, isDaemonSilent: true })
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
    // A little generator of its own (Park and Miller's), so that every run sees the same hours.
    for (const seed of [42, 7, 1_234]) {
      let state = seed
      const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
      const lossy = (now: number): boolean => random() > 0.1 && !(now > 1_800_000 && now < 1_820_000)
      const { actions, watch } = simulate(start(), 0, 3_600_000, {
        heartbeat: (now) => (lossy(now) ? 'answered' : 'lost'),
        echo: (now) => (lossy(now) ? WAYS : []),
        registrar: (now) => !(now > 1_800_000 && now < 1_820_000),
        uplink: () => ({ gateway: true, beacon: false }),
        isInUse: (now) => now > 2_400_000,
        roundTripMs: () => 100 + 400 * random(),
        sizes: () => (random() > 0.01 ? 1_420 : 1_000),
      })
      expect(begun(actions)).toEqual([])
      expect(watch.health.kind).toBe('up')
    }
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
    return worlds.flatMap(({ echo, registrar, beacon, lastsMs, ...word }) => {
      const end = simulate(watch, now, now + lastsMs, {
        echo: () => echo,
        registrar: () => registrar,
        uplink: () => ({ gateway: null, beacon }),
        word: () => word,
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
      carriedOut: fc.boolean(),
      lastsMs: fc.integer({ min: 100, max: 90_000 }),
    })
    fc.assert(
      fc.property(fc.array(world, { minLength: 1, maxLength: 12 }), (worlds) => {
        let { watch, now } = simulate(start(), 0, 10_000)
        let underWay = 0
        for (const one of worlds) {
          const { heartbeat, echo, registrar, beacon, carriedOut, ...word } = one
          const end = simulate(watch, now, now + one.lastsMs, {
            heartbeat: () => heartbeat,
            echo: () => echo,
            registrar: () => registrar,
            uplink: () => ({ gateway: null, beacon }),
            word: () => word,
            remedy: () => carriedOut,
          })
          for (const { action } of end.actions) {
            if (action.kind === 'remedy') underWay += 1
            expect(underWay).toBeLessThanOrEqual(2)
            if (action.kind === 'tell-remedy') underWay = Math.max(0, underWay - 1)
          }
          ;({ watch, now } = end)
          underWay = watch.cure.underWay === null ? 0 : 1
        }
        const { watch: end } = simulate(watch, now, now + 5_100)
        expect(end.health.kind).toBe('up')
      }),
      { numRuns: 300 },
    )
  })
})
