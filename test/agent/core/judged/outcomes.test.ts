import { describe, expect, test } from 'vitest'
import { type Fallback, fellBack } from '../../../../agent/core/fallback.ts'
import { type EchoRound, type EchoTrust, NO_EVIDENCE } from '../../../../agent/core/evidence/evidence.ts'
import type { Watch } from '../../../../agent/core/state.ts'
import { CARRIER, mapping, wellWord } from './simulation.ts'
import {
  MOVED,
  DOUBTFUL,
  UNKNOWN,
  HEALING,
  NOW,
  given,
  registered,
  roundOf,
  echoed,
  fed,
  pendingSince,
  remedy,
  told,
  FIRST,
  SECOND,
} from '../given-watch.ts'

describe('a registration that ended', () => {
  const silent = (more: Partial<Watch> = {}, echoTrust: EchoTrust = 'trusted') =>
    pendingSince(99_500, given({ health: DOUBTFUL, ...more }, { echoTrust }))

  test('tells of the mapping and is evidence, when nothing was answered since it was asked', () => {
    const { watch, kinds } = fed(silent(), registered({ mapping: MOVED, view: wellWord(9_000) }))
    expect(kinds).toContain('tell-mapping')
    expect(watch.evidence).toMatchObject({
      registrar: { askedAt: 99_500, at: NOW, reachable: true },
      view: { at: 99_500 },
      reachedAt: NOW,
    })
  })

  test('is of before, when a heartbeat was answered since it was asked: neither its mapping nor its word counts', () => {
    for (const [answeredAt, isOlder] of [
      [99_500, true],
      [99_499, false],
    ] as const) {
      const before = silent()
      const heard = { ...before, heartbeats: { ...before.heartbeats, answeredAt } }
      const { watch } = fed(heard, registered({ mapping: MOVED, view: wellWord(9_000) }))
      expect(watch.evidence === NO_EVIDENCE).toBe(isOlder)
      expect(watch.ledger.current?.endpoint).toEqual(isOlder ? mapping : MOVED)
      expect(watch.registration.registrar).toBe('reachable')
    }
  })

  test('is evidence where no heartbeat was ever answered', () => {
    const before = pendingSince(0, given({ health: { kind: 'starting', since: 0 } }))
    const heartbeats = { ...before.heartbeats, answeredAt: null }
    const { watch } = fed({ ...before, heartbeats }, registered({ mapping: MOVED, view: wellWord(9_000) }), 3_000)
    expect(watch).toMatchObject({ ledger: { current: { endpoint: MOVED } }, evidence: { registrar: { askedAt: 0 } } })
  })

  test('is no evidence while the tunnel is well, and is as soon as one heartbeat is missing', () => {
    const well = pendingSince(99_500, given())
    expect(fed(well, registered({ view: wellWord(0) })).watch.evidence).toBe(NO_EVIDENCE)
    const missing = { ...well, heartbeats: { ...well.heartbeats, missesInARow: 1 } }
    expect(fed(missing, registered({ view: wellWord(0) })).watch.evidence.view).not.toBeNull()
  })

  test('with a word is asked again after half a minute of the same silence; without one after its own pause', () => {
    expect(fed(silent(), registered({ view: wellWord(9_000) })).watch.registration.due).toEqual({
      at: 130_000,
      reason: 'doubt',
    })
    expect(fed(silent(), registered()).watch.registration.due).toEqual({ at: 700_000, reason: 'periodic' })
    expect(fed(silent(), registered({ outcome: 'unreachable' })).watch.registration.due.at).toBe(101_000)
  })

  test('without an answer makes a tunnel that is being healed offline, but not amid a remedy', () => {
    const lost = registered({ outcome: 'unreachable' })
    const { watch, actions } = fed(silent({ health: HEALING }), lost)
    expect(watch.health).toEqual({ kind: 'offline', since: NOW, cause: null })
    expect(told(actions)).toHaveLength(1)
    expect(fed(silent({ health: HEALING, remediation: remedy(99_000) }), lost).watch.health).toEqual(HEALING)
    expect(fed(silent({ health: HEALING }), registered({ outcome: 'refused' })).watch.health).toEqual(HEALING)
    expect(fed(silent(), lost).watch.health).toEqual(DOUBTFUL)
  })

  test('without an answer, where the heartbeat missed at that moment proves another cause, tells of that one alone', () => {
    const lost = registered({ outcome: 'unreachable' })
    const view = { ...wellWord(0), peerKnown: false, at: 90_000 }
    const before = silent({ health: HEALING, evidence: { ...NO_EVIDENCE, view, reachedAt: 90_000 } }, 'unproven')
    const beats = (sentAt: number) => ({
      ...before.heartbeats,
      underWay: [
        { sequence: 6, sentAt: 98_000, overdue: true },
        { sequence: 7, sentAt, overdue: false },
      ],
    })
    const proven = fed({ ...before, heartbeats: beats(99_000) }, lost)
    expect(proven.watch.health).toEqual({ kind: 'healing', since: 98_000, cause: 'peer-unknown' })
    expect(told(proven.actions)).toEqual([{ kind: 'tell-cause', cause: 'peer-unknown' }])
    const waiting = fed({ ...before, heartbeats: beats(99_001) }, lost)
    expect(waiting.watch.health).toEqual({ kind: 'offline', since: NOW, cause: null })
    expect(told(waiting.actions)).toHaveLength(1)
  })

  test('in which the hub knows us ends that it did not', () => {
    const unknown = { ...NO_EVIDENCE, unknown: { since: 90_000, answers: 5 } }
    const { watch } = fed(silent({ health: UNKNOWN, evidence: unknown }), registered({ view: wellWord(9_000) }))
    expect(watch).toMatchObject({ health: { kind: 'offline', cause: null }, evidence: { unknown: null } })
    const still = fed(silent({ health: UNKNOWN, evidence: unknown }), registered({ outcome: 'unknown' }))
    expect(still.watch).toMatchObject({ health: UNKNOWN, evidence: { unknown: { since: 90_000 } } })
  })
})

describe('a round of echoes that ended', () => {
  test('is remembered, and makes echoes trusted once one was answered', () => {
    const before = given({}, { isEchoPending: true, echoTrust: 'unproven' })
    const { watch } = fed(before, echoed(roundOf(), wellWord(0)))
    expect(watch.asking).toMatchObject({
      isEchoPending: false,
      echoedAt: NOW,
      echoTrust: 'trusted',
      round: roundOf(),
    })
    expect(watch.evidence).toBe(NO_EVIDENCE)
    expect(fed(before, echoed(roundOf({ answered: [] }))).watch.asking.echoTrust).toBe('unproven')
    expect(fed(before, echoed(roundOf({ answered: [FIRST] }))).watch.asking.echoTrust).toBe('trusted')
    expect(fed(given(), echoed(roundOf({ answered: [] }))).watch.asking.echoTrust).toBe('trusted')
  })

  test('is evidence of the silence that it was asked in, and of none before', () => {
    for (const [askedAt, silentRounds] of [
      [99_020, 0],
      [99_021, 1],
    ] as const) {
      const { watch } = fed(given({ health: DOUBTFUL }), echoed(roundOf({ askedAt, answered: [] })))
      expect(watch.evidence.silentRounds).toBe(silentRounds)
      expect(watch.asking.round?.askedAt).toBe(askedAt)
    }
    const never = given({ health: { kind: 'starting', since: 90_000 } })
    const heartbeats = { ...never.heartbeats, answeredAt: null }
    for (const askedAt of [99_500, 0])
      expect(
        fed({ ...never, heartbeats }, echoed(roundOf({ askedAt, answered: [] }))).watch.evidence.silentRounds,
      ).toBe(1)
  })

  test('that was answered is from a hub that knows us', () => {
    const evidence = { ...NO_EVIDENCE, unknown: { since: 99_400, answers: 5 } }
    const before = given({ health: UNKNOWN, evidence })
    const one = fed(before, echoed(roundOf({ answered: [SECOND] }), wellWord(0)))
    expect(one.watch.health).toMatchObject({ kind: 'offline', cause: null })
    expect(fed(before, echoed(roundOf(), wellWord(0))).watch.health).toMatchObject({ kind: 'offline', cause: null })
    expect(fed(before, echoed(roundOf({ answered: [] }))).watch.health).toEqual(UNKNOWN)
    // Asked before the registrar said so.
    expect(fed(before, echoed(roundOf({ askedAt: 99_399 }), wellWord(0))).watch.health).toEqual(UNKNOWN)
    const silent = given({ health: UNKNOWN })
    expect(fed(silent, echoed(roundOf({ answered: [] }))).watch.health).toEqual(UNKNOWN)
  })

  test('on a detour counts for the way back while the tunnel is well, and not in a silence', () => {
    const fallback: Fallback = { ...fellBack('transport', CARRIER, 'udp-blocked', 1_000), goodRounds: 1 }
    const { watch } = fed(given({ fallback }, { isEchoPending: true }), echoed(roundOf()))
    expect(watch).toMatchObject({ fallback: { goodRounds: 2 }, asking: { isEchoPending: false, echoedAt: NOW } })
    expect(fed(given({ fallback, health: DOUBTFUL }), echoed(roundOf())).watch.fallback?.goodRounds).toBe(1)
  })

  test('and was asked before the tunnel was led elsewhere speaks of where it was', () => {
    for (const [redirectedAt, isOfNow] of [
      [99_500, false],
      [99_499, true],
    ] as const) {
      const elsewhere = echoed(roundOf({ current: SECOND }), wellWord(0))
      expect(fed(given({ redirectedAt }), elsewhere).watch.fallback !== null).toBe(isOfNow)
      const silent = fed(given({ redirectedAt, health: DOUBTFUL }), elsewhere)
      expect(silent.watch.evidence !== NO_EVIDENCE).toBe(isOfNow)
    }
  })

  test('finds the tunnel on a detour that an agent before left it on', () => {
    const found = (more: Partial<EchoRound>, watch = given()) => fed(watch, echoed(roundOf(more))).watch.fallback
    const { asking } = fed(given({}, { isEchoPending: true }), echoed(roundOf({ current: SECOND }))).watch
    expect(asking).toMatchObject({ isEchoPending: false, echoedAt: NOW })
    expect(found({ current: SECOND })).toEqual(fellBack('endpoint', SECOND, 'port-blocked', NOW))
    expect(found({ current: CARRIER, isTransport: true })).toEqual(fellBack('transport', CARRIER, 'port-blocked', NOW))
    expect(found({ current: FIRST })).toBeNull()
    expect(found({ current: null })).toBeNull()
    expect(found({ current: SECOND }, given({ health: DOUBTFUL }))).toBeNull()
  })
})
