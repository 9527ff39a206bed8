import { describe, expect, test } from 'vitest'
import type { PeerView } from '../../../../agent/core/evidence/evidence.ts'
import { sameEndpoint } from '../../../../wireguard/spec.ts'
import {
  begun,
  CARRIER,
  causes,
  count,
  reports,
  simulate,
  start,
  told,
  WAYS,
  wellWord,
  type World,
} from './simulation.ts'
import { FAULT_AT, after, until, FIRST, SECOND } from './worlds.ts'

describe('a fault is named, and cured by the remedy for it', () => {
  test('a flow that died: another source port, within eight seconds', () => {
    const { healedMs, causes, actions, watch } = after(until('new-source-port'))
    expect(causes).toEqual(['flow-dead'])
    expect(healedMs).toBeLessThan(8_000)
    expect(reports(actions)).toMatchObject([{ remedy: 'new-source-port', cause: 'flow-dead', helped: true }])
    expect(watch).toMatchObject({ health: { kind: 'up' }, remediation: { underWay: null, tried: [] } })
  })

  test('a router that acts at once and says so late: the remedy is still what helped', () => {
    const { actions, watch } = after(until('new-source-port', { remedyMs: 700 }))
    expect(reports(actions)).toMatchObject([{ remedy: 'new-source-port', cause: 'flow-dead', helped: true }])
    expect(watch).toMatchObject({ health: { kind: 'up' }, remediation: { underWay: null, tried: [] } })
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
        view: () => wellWord(60_000),
      }),
      8_000,
    )
    expect(begun(actions)).not.toEqual([])
    expect(reports(actions).filter(({ helped }) => helped)).toEqual([])
  })

  test('a way back that died, since the hub still hears us', () => {
    const { causes } = after(until('new-source-port', { view: () => wellWord(200) }))
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
        heartbeat: (now, endpoint) => (now < 900_000 && sameEndpoint(endpoint, FIRST) ? 'lost' : 'answered'),
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
    expect(watch.fallback).toBeNull()
    const back = begun(actions)[1]!
    expect(back.remedy).toEqual({ kind: 'set-endpoint', endpoint: FIRST })
    expect(back.at).toBeGreaterThan(900_000)
  })

  test('a hub that moved with its name: the address that the name has now', () => {
    const moved = { address: '203.0.113.99', port: 51_820 }
    const { causes, healedMs } = after(() => ({
      heartbeat: (_, endpoint) => (endpoint.address === moved.address ? 'answered' : 'lost'),
      echo: () => [moved],
      named: () => [moved.address],
    }))
    expect(causes).toEqual(['endpoint-moved'])
    expect(healedMs).toBeLessThan(9_000)
  })

  test('all UDP blocked: the carrier within twenty seconds, and back within a minute when UDP works again', () => {
    const { actions, causes, healedMs, watch } = after(
      () => ({
        heartbeat: (now, endpoint) => (endpoint === CARRIER || now > 500_000 ? 'answered' : 'lost'),
        echo: (now) => (now > 500_000 ? WAYS : []),
      }),
      600_000,
    )
    expect(causes).toEqual(['udp-blocked'])
    expect(healedMs).toBeLessThan(12_000)
    const back = begun(actions).at(-1)!
    expect(back.remedy).toEqual({ kind: 'set-endpoint', endpoint: FIRST })
    expect(back.at - 500_000).toBeLessThan(45_000)
    expect(count(actions, 'close-transport')).toBe(1)
    expect(watch.fallback).toBeNull()
  })

  test('and is not taken for a dead flow, however slow the round of echoes is', () => {
    for (let phase = 0; phase < 5_000; phase += 170) {
      const up = simulate(start(), 0, FAULT_AT + phase)
      const { actions } = simulate(up.watch, up.now, up.now + 30_000, {
        heartbeat: (_, endpoint) => (endpoint === CARRIER ? 'answered' : 'lost'),
        echo: () => [],
      })
      expect(causes(actions)).toEqual(['udp-blocked'])
    }
  })

  test('a way back that does not carry the tunnel is turned back from at once, and tried ever more seldom', () => {
    const { actions, watch } = after(
      () => ({
        heartbeat: (_, endpoint) => (endpoint === CARRIER ? 'answered' : 'lost'),
        echo: (now) => (now > 150_000 ? WAYS : []),
      }),
      3_600_000,
    )
    const tries = begun(actions).filter(({ remedy }) => remedy.kind === 'set-endpoint')
    expect(tries.length).toBeGreaterThan(2)
    expect(tries.length).toBeLessThan(12)
    expect(watch).toMatchObject({ health: { kind: 'up' }, fallback: { on: 'transport' } })
    // Each vain way back is followed by the carrier within seconds.
    for (const { at } of tries)
      expect(
        begun(actions).some(({ at: then, remedy }) => remedy.kind === 'carrier' && then > at && then < at + 4_000),
      ).toBe(true)
  })

  test('a hub that forgot us: registered again', () => {
    const unknown: PeerView = { peerKnown: false, handshakeSeconds: null, heardSeconds: null, initiatedSeconds: null }
    const { causes, actions, healedMs } = after(until('register', { view: () => unknown }))
    expect(causes).toEqual(['peer-unknown'])
    expect(begun(actions).map(({ remedy }) => remedy.kind)).toEqual(['register'])
    expect(healedMs).toBeLessThan(9_000)
  })

  test('a hub that lost the session: a new one', () => {
    const fresh: PeerView = { peerKnown: true, handshakeSeconds: null, heardSeconds: null, initiatedSeconds: null }
    const { causes, healedMs } = after(until('new-session', { view: () => fresh }))
    expect(causes).toEqual(['session-lost'])
    expect(healedMs).toBeLessThan(9_000)
  })

  test('initiations that arrive and are not accepted: the hub forgets what it remembers', () => {
    const refused: PeerView = { peerKnown: true, handshakeSeconds: 90, heardSeconds: 30, initiatedSeconds: 0.2 }
    const { causes, actions } = after(until('reset', { view: () => refused }))
    expect(causes).toEqual(['handshake-refused'])
    expect(begun(actions).map(({ remedy }) => remedy.kind)).toEqual(['reset'])
  })

  test('initiations that the hub does answer are a dead way back', () => {
    const answered: PeerView = { peerKnown: true, handshakeSeconds: 90, heardSeconds: 0.3, initiatedSeconds: 0.2 }
    expect(after(until('new-source-port', { view: () => answered })).causes).toEqual(['return-dead'])
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
