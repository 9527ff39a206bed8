import { describe, expect, test } from 'vitest'
import {
  type EchoRound,
  type EchoTrust,
  type Evidence,
  type PeerView,
  diagnose,
  NO_EVIDENCE,
  noteNotCarried,
  roundsThatCount,
} from '../../../../agent/core/evidence/evidence.ts'
import { type Heartbeats } from '../../../../agent/core/evidence/heartbeats.ts'
import {
  FIRST,
  SECOND,
  MOVED,
  WORD,
  roundOf,
  SILENT,
  ANSWERED,
  ELSEWHERE,
  lossyOutcomes,
  missed,
} from './given-evidence.ts'

describe('a cause is proven', () => {
  const heard = (view: Partial<PeerView> = {}, at = 12_000): Evidence => ({
    ...NO_EVIDENCE,
    round: ANSWERED,
    view: { ...WORD, ...view, at },
    reachedAt: 10_000,
  })
  const beats = missed(2_000, 10_000, 11_000)
  const causeOf = (evidence: Evidence, heartbeats = beats, trust: EchoTrust = 'trusted', now = 12_000) =>
    diagnose(evidence, heartbeats, trust, now)

  test('by nothing while nothing is known', () => {
    expect(causeOf(NO_EVIDENCE)).toBeNull()
    expect(causeOf(NO_EVIDENCE, beats, 'unproven')).toBeNull()
  })

  test('by two heartbeats missed after the good sign: not by one, nor by older ones or such that may still be answered', () => {
    expect(causeOf(heard())).toBe('flow-dead')
    expect(causeOf(heard(), missed(2_000, 8_000, 9_999, 10_000))).toBeNull()
    expect(causeOf(heard(), missed(2_000, 10_000))).toBeNull()
    const underWay = beats.underWay.map((one) => ({ ...one, overdue: false }))
    expect(causeOf(heard(), { ...beats, underWay })).toBeNull()
  })

  test('only once the first round of this silence ended, where echoes are answered', () => {
    const early = { ...heard(), round: null }
    expect(causeOf(early)).toBeNull()
    expect(causeOf(early, beats, 'unproven')).toBe('flow-dead')
  })

  describe('by the hub’s word of us', () => {
    test('that it has no peer of our key', () => {
      expect(causeOf(heard({ peerKnown: false, handshakeSeconds: null }))).toBe('peer-unknown')
    })

    test('that it never shook hands with us', () => {
      expect(causeOf(heard({ handshakeSeconds: null, heardSeconds: null }))).toBe('session-lost')
    })

    test('after a silence that the keys do not outlive', () => {
      expect(causeOf(heard(), beats, 'trusted', 57_000)).toBe('flow-dead')
      expect(causeOf(heard(), beats, 'trusted', 57_001)).toBe('session-lost')
      // Where nothing was answered yet nothing is known of the keys.
      expect(causeOf(heard({ heardSeconds: null }), missed(null, 10_000, 11_000), 'trusted', 57_001)).toBe('flow-dead')
    })

    test('that it heard us clearly after the last answer', () => {
      // Ten seconds of silence when it said so; what counts is when it did, not when it is judged.
      expect(causeOf(heard({ heardSeconds: 8.5 }))).toBe('flow-dead')
      expect(causeOf(heard({ heardSeconds: 8.499 }))).toBe('return-dead')
      expect(causeOf(heard({ heardSeconds: 9.1 }), beats, 'trusted', 30_000)).toBe('flow-dead')
      expect(causeOf(heard({ heardSeconds: null }))).toBe('flow-dead')
      expect(causeOf(heard({ heardSeconds: 90 }), missed(null, 10_000, 11_000))).toBe('return-dead')
    })

    test('that an initiation of this silence was followed by nothing', () => {
      const refused = { initiatedSeconds: 2, handshakeSeconds: 90, heardSeconds: 30 }
      expect(causeOf(heard(refused))).toBe('handshake-refused')
      expect(causeOf(heard({ ...refused, heardSeconds: null, handshakeSeconds: null }))).toBe('handshake-refused')
      expect(causeOf(heard({ ...refused, handshakeSeconds: 3.501 }))).toBe('handshake-refused')
      // It shook hands then.
      expect(causeOf(heard({ ...refused, handshakeSeconds: 3.5 }))).toBe('flow-dead')
      // It heard us since.
      expect(causeOf(heard({ ...refused, heardSeconds: 3.501 }))).toBe('handshake-refused')
      expect(causeOf(heard({ ...refused, heardSeconds: 3.5 }))).toBe('return-dead')
      // Before this silence.
      expect(causeOf(heard({ ...refused, initiatedSeconds: 9.999 }))).toBe('handshake-refused')
      expect(causeOf(heard({ ...refused, initiatedSeconds: 10 }))).toBe('flow-dead')
      expect(causeOf(heard({ ...refused, initiatedSeconds: null }))).toBe('flow-dead')
    })
  })

  describe('by echoes that only other ways answer', () => {
    const elsewhere = (round: EchoRound, elsewhereRounds = 2): Evidence => ({ ...heard(), round, elsewhereRounds })

    test('in two rounds, with two heartbeats missed', () => {
      expect(causeOf(elsewhere(ELSEWHERE, 1))).toBeNull()
      expect(causeOf(elsewhere(ELSEWHERE))).toBe('port-blocked')
      expect(causeOf(elsewhere(ELSEWHERE), missed(2_000, 10_000))).toBeNull()
      expect(causeOf({ ...elsewhere(ELSEWHERE), reachedAt: null })).toBeNull()
    })

    test('another address is where the hub moved, if its name says so', () => {
      const named = [MOVED.address]
      expect(causeOf(elsewhere(roundOf([MOVED], { named })))).toBe('endpoint-moved')
      expect(causeOf(elsewhere(roundOf([MOVED], { named: null })))).toBe('port-blocked')
      expect(causeOf(elsewhere(roundOf([MOVED], { named: [MOVED.address, FIRST.address] })))).toBe('port-blocked')
      expect(causeOf(elsewhere(roundOf([SECOND, MOVED], { named })))).toBe('port-blocked')
      expect(causeOf(elsewhere(roundOf([MOVED], { named, current: null })))).toBe('port-blocked')
    })
  })

  describe('by the silence of echoes', () => {
    const silent = (registrar: Evidence['registrar'], more: Partial<Evidence> = {}): Evidence => ({
      ...NO_EVIDENCE,
      round: SILENT,
      silentRounds: 2,
      registrar,
      isNotCarried: true,
      ...more,
    })
    const reached = { askedAt: 4_000, at: 5_000, reachable: true }
    const unreached = { askedAt: 4_500, at: 7_500, reachable: false }
    const uplink = (more: Partial<NonNullable<Evidence['uplink']>>): Partial<Evidence> => ({
      uplink: { gateway: true, beacon: true, at: 8_000, answersSince: null, ...more },
    })

    test('in two rounds, the last of them begun after the registrar answered', () => {
      expect(causeOf(silent(reached))).toBe('udp-blocked')
      expect(causeOf(silent(reached, { silentRounds: 1 }))).toBeNull()
      expect(causeOf(silent({ ...reached, at: 5_001 }))).toBeNull()
      expect(causeOf(silent(reached, { silentRounds: 1, view: { ...WORD, at: 12_000 }, reachedAt: 10_000 }))).toBeNull()
      // Whatever the line looks like: it carries TCP.
      expect(causeOf(silent(reached, { silentRounds: 1, ...uplink({ gateway: false, beacon: false }) }))).toBeNull()
    })

    test('and not where no echo was ever answered', () => {
      expect(causeOf(silent(reached), beats, 'unproven')).toBeNull()
    })

    test('and of the registrar: the line, or the hub, as the outside says', () => {
      for (const trust of ['trusted', 'unproven'] as const) {
        const cause = (more: Partial<Evidence>) => causeOf(silent(unreached, more), beats, trust)
        expect(cause({})).toBeNull()
        expect(cause(uplink({ gateway: null, beacon: null }))).toBeNull()
        expect(cause(uplink({ gateway: true, beacon: null }))).toBeNull()
        expect(cause(uplink({ gateway: false, beacon: null }))).toBe('home-offline')
        expect(cause(uplink({ gateway: null, beacon: false }))).toBe('home-offline')
        expect(cause(uplink({ answersSince: 1_000 }))).toBe('hub-down')
        expect(cause({ silentRounds: 1, ...uplink({ beacon: false }) })).toBe('home-offline')
      }
    })

    test('neither of which is concluded before the tunnel itself was asked: it may carry without the hub’s daemon', () => {
      for (const trust of ['trusted', 'unproven'] as const)
        for (const more of [{ beacon: false }, { gateway: false }, { answersSince: 1_000 }]) {
          const evidence = silent(unreached, { ...uplink(more), isNotCarried: false })
          expect(causeOf(evidence, beats, trust)).toBeNull()
          expect(causeOf(noteNotCarried(evidence), beats, trust)).not.toBeNull()
        }
      // Nothing is known of it when a silence begins.
      expect(noteNotCarried(NO_EVIDENCE)).toEqual({ ...NO_EVIDENCE, isNotCarried: true })
      expect(NO_EVIDENCE.isNotCarried).toBe(false)
    })

    test('in more rounds where the line loses much: each asks an endpoint three times', () => {
      const lossy = (rows: number): Heartbeats => ({ ...beats, outcomes: lossyOutcomes(rows) })
      // Two of nine answered: 9 misses count, three rounds.
      for (const [rows, rounds] of [
        [1, 2],
        [2, 3],
        [4, 6],
      ] as const) {
        const after = (silentRounds: number) => causeOf(silent(reached, { silentRounds }), lossy(rows))
        expect([after(rounds - 1), after(rounds)]).toEqual([null, 'udp-blocked'])
        expect(roundsThatCount(lossy(rows))).toBe(rounds)
      }
    })

    test('asked before the outside answered says nothing of the hub', () => {
      const since = (answersSince: number) => silent(unreached, uplink({ answersSince }))
      // The round was asked at 5000, the registrar at 4500.
      expect(causeOf(since(5_000))).toBe('hub-down')
      expect(causeOf(since(5_001))).toBeNull()
      expect(causeOf(since(4_500), beats, 'unproven')).toBe('hub-down')
      expect(causeOf(since(4_501), beats, 'unproven')).toBeNull()
    })

    test('before the registrar was asked, nothing', () => {
      expect(causeOf(silent(null, uplink({ beacon: false })))).toBeNull()
      expect(causeOf(silent(null, uplink({ beacon: false })), beats, 'unproven')).toBeNull()
    })

    test('of the registrar alone, nothing', () => {
      const evidence = silent(unreached, { silentRounds: 0, ...uplink({ beacon: false }) })
      expect(causeOf(evidence, beats, 'unproven')).toBeNull()
      expect(causeOf(evidence)).toBeNull()
    })
  })

  describe('by a registrar that does not know us', () => {
    const unknown = (answers: number, more: Partial<Evidence> = {}): Evidence => ({
      ...heard(),
      unknown: { since: 10_000, answers },
      ...more,
    })

    test('twice, with two heartbeats missed since the first time, and nothing else is concluded until then', () => {
      expect(causeOf(unknown(2))).toBe('home-unknown')
      expect(causeOf(unknown(3))).toBe('home-unknown')
      expect(causeOf(unknown(1))).toBeNull()
      expect(causeOf(unknown(2), missed(2_000, 9_999, 10_000))).toBeNull()
    })

    test('and neither silent echoes nor those of another way are another cause then', () => {
      const registrar = { askedAt: 4_000, at: 4_030, reachable: true }
      expect(causeOf(unknown(1, { round: SILENT, silentRounds: 5, registrar }))).toBeNull()
      expect(causeOf(unknown(2, { round: ELSEWHERE, elsewhereRounds: 5 }))).toBe('home-unknown')
    })
  })
})
