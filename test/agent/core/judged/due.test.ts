import { describe, expect, test } from 'vitest'
import { fellBack } from '../../../../agent/core/fallback.ts'
import { noteExecuted } from '../../../../agent/core/remediation.ts'
import { NO_EVIDENCE } from '../../../../agent/core/evidence/evidence.ts'
import type { Health } from '../../../../agent/core/evidence/health.ts'
import type { Watch } from '../../../../agent/core/state.ts'
import { calmGapMs, wakeAt } from '../../../../agent/core/watch.ts'
import { CARRIER, settings, start } from './simulation.ts'
import {
  UP,
  DOUBTFUL,
  OFFLINE,
  UNKNOWN,
  HEALING,
  NOW,
  given,
  awaiting,
  answer,
  roundOf,
  fed,
  tick,
  pendingSince,
  remedy,
} from '../given-watch.ts'

describe('time', () => {
  const sentAt = (lastSentAt: number | null, more: Partial<Watch> = {}) => {
    const before = given(more)
    return { ...before, heartbeats: { ...before.heartbeats, lastSentAt } }
  }

  test('sends heartbeats a fifth of a second early, within the interval; within a shorter one while the tunnel is used', () => {
    expect(tick(sentAt(95_201)).actions).toEqual([])
    expect(tick(sentAt(95_200)).actions).toEqual([{ kind: 'send-heartbeat', sequence: 8 }])
    expect(tick(sentAt(99_201, { inUseUntil: NOW })).kinds).not.toContain('send-heartbeat')
    expect(tick(sentAt(99_200, { inUseUntil: NOW })).kinds).toContain('send-heartbeat')
    for (const now of [0, NOW]) expect(tick(sentAt(null), now).kinds).toContain('send-heartbeat')
    expect(wakeAt(sentAt(96_000))).toBe(100_800)
  })

  test('the calm interval is the shorter one while the tunnel was used when the last heartbeat went out', () => {
    expect(calmGapMs(sentAt(99_000, { inUseUntil: 99_000 }))).toBe(5_000)
    expect(calmGapMs(sentAt(99_000, { inUseUntil: 99_001 }))).toBe(1_000)
    const quick = { ...settings, heartbeatMs: 700 }
    expect(calmGapMs(sentAt(99_000, { inUseUntil: 99_001, settings: quick }))).toBe(700)
    expect(calmGapMs(sentAt(null, { inUseUntil: 1 }))).toBe(1_000)
    expect(calmGapMs(sentAt(null, { inUseUntil: 0 }))).toBe(5_000)
  })

  test('asks each second for the first mapping, in the first five seconds of being up', () => {
    const curious = (lastedMs: number, health: Health = { ...UP, since: 99_000 - lastedMs }, now = NOW) =>
      tick(given({ health, ledger: { current: null, changes: 0 } }), now).kinds.includes('send-heartbeat')
    expect(curious(4_999)).toBe(true)
    expect(curious(4_999, undefined, NOW - 1)).toBe(false)
    expect(curious(5_000)).toBe(false)
    expect(tick(given({ health: { ...UP, since: 98_000 } })).kinds).not.toContain('send-heartbeat')
    // That is for when it comes up: nothing is hurried before.
    expect(curious(0, UNKNOWN)).toBe(false)
  })

  test('asks four times a second for the proof of a remedy, but not while that is carried out', () => {
    const after15s: Health = { ...HEALING, since: 80_000 }
    const remediation = noteExecuted(remedy(99_000), start().heartbeats, 99_500)
    const healing = (more: Partial<Watch>) =>
      given({ health: after15s, heartbeats: sentAt(99_750).heartbeats, ...more })
    expect(tick(healing({ remediation })).kinds).toContain('send-heartbeat')
    expect(tick(healing({ remediation }), NOW - 1).kinds).not.toContain('send-heartbeat')
    expect(tick(healing({ remediation: remedy(99_000) })).kinds).not.toContain('send-heartbeat')
    expect(tick(healing({})).kinds).not.toContain('send-heartbeat')
  })

  test('doubts with the third heartbeat that is overdue: the registrar is asked, and the machine looked at, at once', () => {
    const before = given({}, { reconciledAt: 99_500, lookedAt: 99_600 })
    const underWay = [{ sequence: 7, sentAt: 99_000, overdue: false }]
    const heartbeats = { ...before.heartbeats, missesInARow: 2, underWay }
    const { watch, actions } = tick({ ...before, heartbeats })
    expect(actions).toContainEqual({ kind: 'tell-health', from: UP, to: { kind: 'doubtful', since: NOW } })
    expect(actions).toContainEqual({ kind: 'register', reason: 'doubt' })
    expect(actions).toContainEqual({ kind: 'reconcile' })
    expect(watch.asking.reconciledAt).toBe(NOW)
    expect(tick({ ...before, heartbeats: { ...heartbeats, missesInARow: 1 } }).kinds).not.toContain('reconcile')
  })

  test('ends doubt as offline, which asks the registrar and looks at the machine too', () => {
    const { actions } = tick(given({ health: { ...DOUBTFUL, since: 80_000 } }, { reconciledAt: 99_500 }))
    expect(actions).toContainEqual({ kind: 'register', reason: 'doubt' })
    expect(actions).toContainEqual({ kind: 'reconcile' })
    const young = given({ health: { kind: 'starting', since: -27_000 } }, { reconciledAt: 2_900 })
    expect(tick(young, 3_000).kinds).toContain('reconcile')
  })

  test('does not doubt while a way back is tried; an answer meanwhile is one', () => {
    const fallback = fellBack('transport', CARRIER, 'udp-blocked', 1_000)
    const remediation = { ...remedy(99_000), underWay: { ...remedy(99_000).underWay!, failbackFrom: fallback } }
    const trying = awaiting(99_990, given({ remediation, fallback }))
    const lost = { ...trying, heartbeats: { ...trying.heartbeats, missesInARow: 9 } }
    expect(tick(lost).watch.health).toEqual(UP)
    expect(fed(lost, answer()).watch.health).toEqual({ ...UP, provenAt: NOW })
    expect(tick({ ...lost, remediation: remedy(99_000) }).watch.health.kind).toBe('doubtful')
  })

  test('comes back to up without asking anybody anything', () => {
    const { watch, kinds } = fed(awaiting(99_990, given({ health: OFFLINE })), answer())
    expect(watch.health).toEqual({ kind: 'up', since: NOW, provenAt: NOW })
    expect(kinds).toEqual(['tell-health'])
  })

  test('asks what is due, and remembers that it did', () => {
    const due = given({}, { echoedAt: -600_000, reconciledAt: 0 })
    const pathMtu = { ...due.pathMtu, checkedAt: null }
    const { watch, actions } = tick({ ...due, pathMtu })
    expect(actions).toEqual([{ kind: 'ask-echoes' }, { kind: 'reconcile' }, { kind: 'ask-sizes', sizes: [1_420] }])
    expect(watch.asking).toMatchObject({ isEchoPending: true, reconciledAt: NOW, isUplinkPending: false })
    expect(watch.pathMtu.pending).toBe(true)
    expect(tick(watch).actions).toEqual([])
    // On the moment.
    expect(tick({ ...given(), pathMtu: { ...pathMtu, checkedAt: NOW - 3_600_000 } }).kinds).toEqual(['ask-sizes'])
  })

  test('looks at the uplink once', () => {
    const registration = { ...given().registration, registrar: 'unreachable' as const }
    const evidence = { ...NO_EVIDENCE, silentRounds: 1, round: roundOf({ answered: [] }) }
    const { watch, kinds } = tick(given({ health: OFFLINE, registration, evidence }))
    expect(kinds).toContain('test-uplink')
    expect(watch.asking.isUplinkPending).toBe(true)
    expect(tick(watch, NOW + 1).kinds).not.toContain('test-uplink')
    const uplink = { gateway: true, beacon: null, at: NOW - 10_000, answersSince: null }
    const again = given({ health: OFFLINE, registration, evidence: { ...evidence, uplink } })
    expect(tick(again).kinds).toContain('test-uplink')
    expect(tick(again, NOW - 1).kinds).not.toContain('test-uplink')
  })

  test('changes nothing where nothing is due', () => {
    const before = given()
    expect(tick(before)).toMatchObject({ watch: before, actions: [] })
  })

  test('wakes for whatever is due first', () => {
    const later = given({}, { echoedAt: 99_900, reconciledAt: 99_900 })
    expect(wakeAt(later)).toBe(103_800)
    expect(wakeAt(awaiting(99_000, later))).toBe(100_000)
    expect(wakeAt({ ...later, registration: { ...later.registration, due: { at: 100_100, reason: 'doubt' } } })).toBe(
      100_100,
    )
    const pending = pendingSince(99_000, later)
    expect(
      wakeAt({ ...pending, registration: { ...pending.registration, due: { at: 100_100, reason: 'doubt' } } }),
    ).toBe(103_800)
    const remediation = noteExecuted(remedy(90_000), start().heartbeats, 96_050)
    const heartbeats = { ...later.heartbeats, lastSentAt: 99_990 }
    expect(wakeAt({ ...later, health: HEALING, remediation, heartbeats })).toBe(100_050)
    const asked = { ...later.asking, proofAskedAt: 99_950 }
    const doubtful = { ...later, health: { ...DOUBTFUL, since: 80_001 }, heartbeats, asking: asked }
    expect(wakeAt(doubtful)).toBe(100_001)
    // A proof of the tunnel is due before the next round of echoes.
    const fresh = { ...doubtful, health: DOUBTFUL }
    expect(wakeAt({ ...fresh, asking: { ...asked, proofAskedAt: 99_100 } })).toBe(100_100)
    expect(wakeAt({ ...fresh, asking: { ...asked, isRefused: true } })).toBe(-Infinity)
  })
})
