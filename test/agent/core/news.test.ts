import { describe, expect, test } from 'vitest'
import { fellBack } from '../../../agent/core/fallback.ts'
import { NO_EVIDENCE } from '../../../agent/core/evidence/evidence.ts'
import type { WatchEvent } from '../../../agent/core/state.ts'
import { startWatch } from '../../../agent/core/watch.ts'
import { CARRIER, settings } from './judged/simulation.ts'
import {
  MOVED,
  DOUBTFUL,
  OFFLINE,
  HEALING,
  NOW,
  given,
  answer,
  registered,
  roundOf,
  echoed,
  fed,
  pendingSince,
  remedy,
  told,
  SECOND,
} from './given-watch.ts'

describe('news', () => {
  test('of the uplink is evidence of a silence alone', () => {
    const event: WatchEvent = { kind: 'uplink', uplink: { gateway: true, beacon: true } }
    const well = fed(given({}, { isUplinkPending: true }), event).watch
    expect(well.asking.isUplinkPending).toBe(false)
    expect(well.evidence).toBe(NO_EVIDENCE)
    const { watch } = fed(given({ health: OFFLINE }, { isUplinkPending: true }), event)
    expect(watch.asking.isUplinkPending).toBe(false)
    expect(watch.evidence.uplink).toMatchObject({ at: NOW, answersSince: NOW })
  })

  test('of the machine: when it was looked at, and what it can', () => {
    const looked = fed(given(), { kind: 'looked', driftRepaired: false })
    expect(looked.watch.asking.lookedAt).toBe(NOW)
    expect(told(looked.actions)).toEqual([])
    expect(told(fed(given(), { kind: 'looked', driftRepaired: true }).actions)).toHaveLength(2)
    // A mapping that is new since then is the interface's that was made again.
    const repaired = fed(given(), { kind: 'looked', driftRepaired: true }).watch
    expect(repaired.remediedAt).toBe(NOW)
    expect(fed(given(), { kind: 'described', canForgetFlow: true }).watch.canForgetFlow).toBe(true)
  })

  test('of the machine: that its interface is being made again, so that a mapping seen meanwhile is its own doing', () => {
    const { watch, actions } = fed(given(), { kind: 'remaking' })
    expect(watch).toEqual({ ...given(), remediedAt: NOW })
    expect(actions).toEqual([])
    expect(told(fed(watch, answer({ mapping: MOVED })).actions)).not.toContainEqual(
      expect.objectContaining({ cause: 'mapping-changed' }),
    )
    const begun = startWatch(
      settings,
      { ledger: { current: null, changes: 0 }, firstSequence: 1, mtu: 1_420, helped: {} },
      NOW,
    )
    expect(fed(begun, { kind: 'remaking' }).watch.health.kind).toBe('starting')
  })

  test('of the machine: whether the interface is gone, as the last look found it', () => {
    const isGone = (before: boolean, event: Partial<WatchEvent>) =>
      fed(given({ isGone: before }), { kind: 'looked', driftRepaired: false, ...event } as WatchEvent).watch.isGone
    expect(isGone(false, { isGone: true })).toBe(true)
    expect(isGone(true, { isGone: false })).toBe(false)
    expect(isGone(true, {})).toBe(false)
  })

  test('of a lost carrier is that of the detour over it: the machine is looked at, at once', () => {
    const fallback = fellBack('transport', CARRIER, 'udp-blocked', 99_999)
    const lost = fed(given({ fallback }), { kind: 'transport-lost' })
    expect(lost.watch).toMatchObject({ fallback: null, redirectedAt: NOW })
    expect(lost.kinds).toEqual(['reconcile'])
    const young = given({ fallback }, { reconciledAt: 2_900 })
    expect(fed(young, { kind: 'transport-lost' }, 3_000).kinds).toContain('reconcile')
    const onWay = given({ fallback: fellBack('endpoint', SECOND, 'port-blocked', 99_999) })
    expect(fed(onWay, { kind: 'transport-lost' })).toMatchObject({ watch: onWay, actions: [] })
  })

  test('of a fallback that worked before: it is one, with its failback to come', () => {
    const { watch } = fed(given(), { kind: 'resumed', on: 'endpoint', endpoint: SECOND, cause: 'port-blocked' })
    expect(watch.fallback).toEqual(fellBack('endpoint', SECOND, 'port-blocked', NOW))
    // Nothing was heard through it yet.
    const begun = startWatch(
      settings,
      { ledger: { current: null, changes: 0 }, firstSequence: 1, mtu: 1_420, helped: {} },
      NOW,
    )
    const resumed = { kind: 'resumed', on: 'endpoint', endpoint: SECOND, cause: 'port-blocked' } as const
    expect(fed(begun, resumed).watch.health.kind).toBe('starting')
  })

  test('of a remedy: the heartbeat that proves it goes out at once', () => {
    const { watch, kinds } = fed(given({ health: HEALING, remediation: remedy(99_000) }), {
      kind: 'remedy-ended',
      executed: true,
      endpoint: null,
    })
    expect(watch.remediation.underWay?.proving?.since).toBe(NOW)
    expect(kinds).toContain('send-heartbeat')
  })

  test('says whether another machine is this home too; what does not say so leaves it as it was', () => {
    const shared = (before: boolean, event: WatchEvent) =>
      fed(pendingSince(99_500, given({ isShared: before })), event).watch.isShared
    expect(shared(false, registered({ isShared: true }))).toBe(true)
    expect(shared(true, registered({ isShared: false }))).toBe(false)
    expect(shared(true, registered({ outcome: 'unreachable' }))).toBe(true)
    expect(shared(false, registered())).toBe(false)
    // Though a heartbeat was answered since it was asked.
    expect(shared(false, registered({ isShared: true, mapping: null }))).toBe(true)
  })

  test('is no answer, whatever it is', () => {
    for (const event of [
      registered(),
      echoed(roundOf()),
      { kind: 'sized', round: { passed: [1_420], smallPassed: true } },
      { kind: 'uplink', uplink: { gateway: true, beacon: true } },
      { kind: 'remedy-ended', executed: true, endpoint: null },
      { kind: 'looked', driftRepaired: false },
      { kind: 'described', canForgetFlow: true },
      { kind: 'transport-lost' },
      { kind: 'configured', settings },
    ] satisfies readonly WatchEvent[]) {
      const fallback = fellBack('transport', CARRIER, 'udp-blocked', 99_999)
      expect(fed(pendingSince(99_500, given({ health: DOUBTFUL, fallback })), event).watch.health).toEqual(DOUBTFUL)
    }
  })

  test('of other settings registers, and forgets what was learned of the MTU only if that is another one', () => {
    const known = given({ pathMtu: { ...given().pathMtu, mtu: 1_280 } })
    const same = fed(known, { kind: 'configured', settings: { ...settings, heartbeatMs: 9_000 } })
    expect(same.watch).toMatchObject({ settings: { heartbeatMs: 9_000 }, pathMtu: { mtu: 1_280, configured: 1_420 } })
    expect(same.actions).toEqual([{ kind: 'register', reason: 'configuration' }])
    const other = fed(known, { kind: 'configured', settings: { ...settings, mtu: 1_380 } })
    expect(other.watch.pathMtu).toMatchObject({ mtu: 1_380, configured: 1_380 })
  })
})

describe('sizes that came back', () => {
  const lost: WatchEvent = { kind: 'sized', round: { passed: [1_280], smallPassed: true } }
  const nearly = { ...given().pathMtu, lostRounds: 2 }

  test('lower the MTU when it is proven', () => {
    const { watch, actions } = fed(given({ pathMtu: nearly }), lost)
    expect(actions).toEqual([
      { kind: 'tell-cause', cause: 'mtu-black-hole' },
      { kind: 'remedy', remedy: { kind: 'set-mtu', mtu: 1_280 } },
    ])
    expect(watch.remediation.underWay).toMatchObject({ cause: 'mtu-black-hole', since: NOW })
    const early = fed(given(), lost)
    expect(early).toMatchObject({ actions: [], watch: { pathMtu: { lostRounds: 1 } } })
  })

  test('raise it again without calling that a fault', () => {
    const pathMtu = { ...nearly, mtu: 1_280, lostRounds: 0, goodRounds: 2 }
    const passed: WatchEvent = { kind: 'sized', round: { passed: [1_280, 1_420], smallPassed: true } }
    expect(fed(given({ pathMtu }), passed).actions).toEqual([
      { kind: 'remedy', remedy: { kind: 'set-mtu', mtu: 1_420 } },
    ])
  })

  test('change nothing in a silence, or beside another remedy', () => {
    const doubtful = fed(given({ pathMtu: nearly, health: DOUBTFUL }), lost)
    expect(doubtful.kinds).not.toContain('remedy')
    const missing = given({ pathMtu: nearly })
    const heartbeats = { ...missing.heartbeats, missesInARow: 1 }
    expect(fed({ ...missing, heartbeats }, lost).kinds).not.toContain('remedy')
    expect(fed(given({ pathMtu: nearly, remediation: remedy(99_000) }), lost).kinds).not.toContain('remedy')
  })
})
