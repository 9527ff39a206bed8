import { describe, expect, test } from 'vitest'
import { lossRatio } from '../../../../agent/core/evidence/heartbeats.ts'
import {
  begun,
  CARRIER,
  causes,
  count,
  DEAD,
  mapping,
  reports,
  simulate,
  start,
  told,
  WAYS,
  wellWord,
  type World,
} from './simulation.ts'

const FAULT_AT = 100_000
const MOVED = { address: '198.51.100.12', port: 41_000 }

/** A tunnel that was up until then, and then this. */
function after(world: World, forMs = 60_000, phaseMs = 0) {
  const up = simulate(start(), 0, FAULT_AT + phaseMs, world)
  return { ...simulate(up.watch, up.now, up.now + forMs, world), faultAt: up.now }
}

const PHASES = Array.from({ length: 20 }, (_, index) => index * 251)

describe('what was sent before a fault and is answered after it', () => {
  test('puts the cure off by as much, and is not taken for a recovery', () => {
    for (const phase of PHASES) {
      const faultAt = FAULT_AT + phase
      let isCured = false
      const { actions, watch } = simulate(start(), 0, faultAt + 30_000, {
        isInUse: () => true,
        heartbeat: (now) => (now < faultAt || isCured ? 'answered' : 'lost'),
        // The last one before the fault is three seconds on its way.
        roundTripMs: (now) => (now > faultAt - 700 && now < faultAt ? 3_000 : 20),
        remedy: () => (isCured = true),
      })
      expect(causes(actions)).toEqual(['flow-dead'])
      expect(reports(actions)).toMatchObject([{ remedy: 'new-source-port', helped: true }])
      expect(told(actions).at(-1)![1] - faultAt).toBeLessThan(8_000)
      expect(watch.health.kind).toBe('up')
    }
  })
})

describe('answers that come twice', () => {
  test('count once: the same mapping is told once, and nothing is lost or won', () => {
    const { actions, watch } = after({ copies: () => 3, registered: () => mapping }, 3_600_000)
    expect(count(actions, 'tell-mapping')).toBe(0)
    expect(told(actions)).toEqual([])
    expect(lossRatio(watch.heartbeats)).toBe(0)
    expect(watch.heartbeats.underWay.length).toBeLessThanOrEqual(1)
  })

  test('tell of another mapping once, whoever says it first', () => {
    for (const world of [
      { seen: (now: number) => (now < 130_000 ? mapping : MOVED) },
      { copies: () => 2, seen: () => MOVED, registered: () => MOVED },
    ]) {
      const { actions } = after({ ...world, isInUse: () => true }, 120_000)
      expect(count(actions, 'tell-mapping')).toBeLessThanOrEqual(1)
    }
  })
})

describe('answers that overtake one another', () => {
  test('tell of a mapping that moved once', () => {
    for (const phase of PHASES) {
      const movedAt = FAULT_AT + 20_000 + phase
      const { actions, watch } = after(
        {
          isInUse: () => true,
          seen: (now) => (now < movedAt ? mapping : MOVED),
          // Of the old mapping the last ones take longer than the first ones of the new.
          roundTripMs: (now) => (now < movedAt && now > movedAt - 1_500 ? 2_700 : 20),
        },
        120_000,
      )
      expect(count(actions, 'tell-mapping')).toBe(1)
      expect(watch.ledger).toMatchObject({ current: { endpoint: MOVED }, changes: 1 })
    }
  })
})

describe('a round of echoes that ends late', () => {
  test('and was asked in an outage is no evidence after it', () => {
    for (const echoMs of [2_500, 6_000, 15_000])
      for (const phase of PHASES) {
        const faultAt = FAULT_AT + phase
        const isAway = (now: number): boolean => now >= faultAt && now < faultAt + 20_000
        const { actions, watch } = after(
          {
            heartbeat: (now) => (isAway(now) ? 'lost' : 'answered'),
            echo: (now) => (isAway(now) ? [] : WAYS),
            echoMs: (now) => (isAway(now) ? echoMs : 20),
            registrar: (now) => !isAway(now),
            uplink: () => ({ gateway: true, beacon: false }),
          },
          90_000,
          phase,
        )
        expect(begun(actions)).toEqual([])
        expect(causes(actions).filter((cause) => cause !== 'home-offline')).toEqual([])
        expect(watch.health.kind).toBe('up')
      }
  })

  test('and was asked before the way back is no detour', () => {
    for (const echoMs of [400, 3_000, 9_000])
      for (const phase of PHASES) {
        const faultAt = FAULT_AT + phase
        const wellAt = faultAt + 300_000
        const { actions, watch } = after(
          {
            heartbeat: (now, endpoint) => (now < faultAt || now > wellAt || endpoint === CARRIER ? 'answered' : 'lost'),
            // Answered long before the tunnel is, so that ways back fail and the next one waits.
            echo: (now) => (now > faultAt && now < faultAt + 30_000 ? [] : WAYS),
            echoMs: (now) => (now > faultAt ? echoMs + (now % 1_700) : 20),
            registrarMs: () => 30,
          },
          1_200_000,
          phase,
        )
        const helped = reports(actions).filter((report) => report.remedy === 'way-back' && report.helped)
        expect(helped).toHaveLength(1)
        expect(watch).toMatchObject({ fallback: null, health: { kind: 'up' } })
      }
  })
})

describe('a registration that ends late', () => {
  test('and was asked before the last answer says nothing of what came after it', () => {
    for (const phase of PHASES) {
      const faultAt = FAULT_AT + phase
      let isCured = false
      const { actions } = after(
        {
          heartbeat: (now) => (now < faultAt || isCured ? 'answered' : 'lost'),
          registrar: (now) => now >= faultAt,
          registrarMs: (now) => (now < faultAt ? 20_000 : 30),
          remedy: () => (isCured = true),
        },
        30_000,
        phase,
      )
      expect(causes(actions)).toEqual(['flow-dead'])
    }
  })

  test('in vain is no trouble of a tunnel that came back meanwhile', () => {
    for (const phase of PHASES) {
      const faultAt = FAULT_AT + phase
      const isAway = (now: number): boolean => now >= faultAt && now < faultAt + 10_000
      const { actions, watch } = after(
        {
          ...DEAD,
          heartbeat: (now) => (isAway(now) ? 'lost' : 'answered'),
          echo: (now) => (isAway(now) ? [] : WAYS),
          registrar: (now) => !isAway(now),
          registrarMs: (now) => (isAway(now) ? 20_000 : 30),
        },
        90_000,
        phase,
      )
      expect(told(actions).map(([kind]) => kind)).toEqual(['doubtful', 'up'])
      expect(watch.health.kind).toBe('up')
    }
  })

  test('brings a word of when it was asked: a flow that died is not taken for a dead way back', () => {
    for (const phase of PHASES) {
      const faultAt = FAULT_AT + phase
      let isCured = false
      const { actions } = after(
        {
          heartbeat: (now) => (now < faultAt || isCured ? 'answered' : 'lost'),
          // A firewall of the hub lets no echo in: its registrar alone says what it hears.
          echo: () => [],
          registrarMs: (now) => (now < faultAt ? 30 : 4_000),
          remedy: () => (isCured = true),
        },
        30_000,
        phase,
      )
      expect(causes(actions)).toEqual(['flow-dead'])
    }
  })
})

describe('a remedy that takes effect late', () => {
  test('is given its time to be answered, and no other one is begun meanwhile', () => {
    let begunAt = Infinity
    const { actions } = after({
      heartbeat: (now) => (now < FAULT_AT || now > begunAt + 1_500 ? 'answered' : 'lost'),
      remedy: (_, now) => {
        begunAt = Math.min(begunAt, now)
        return true
      },
      remedyMs: 900,
      view: (now) => wellWord(Math.max(0, now - FAULT_AT)),
    })
    expect(begun(actions)).toHaveLength(1)
    expect(reports(actions)).toMatchObject([{ remedy: 'new-source-port', helped: true }])
  })
})
