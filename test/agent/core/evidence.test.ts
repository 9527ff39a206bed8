import { describe, expect, test } from 'vitest'
import {
  diagnose,
  type EchoRound,
  type EchoTrust,
  type Evidence,
  type PeerView,
  NO_EVIDENCE,
  noteNotCarried,
  noteRegistrar,
  noteRound,
  noteUplink,
  notePeerView,
  roundsThatCount,
} from '../../../agent/core/evidence.ts'
import { type Heartbeats, noHeartbeats } from '../../../agent/core/heartbeats.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { WAYS } from './judged/simulation.ts'

const [FIRST, SECOND] = WAYS as readonly [Endpoint, Endpoint]
const MOVED: Endpoint = { address: '203.0.113.99', port: 51_820 }

const WORD: PeerView = { peerKnown: true, handshakeSeconds: 60, heardSeconds: 60, initiatedSeconds: null }

const roundOf = (answered: readonly Endpoint[], more: Partial<EchoRound> = {}): EchoRound => ({
  askedAt: 5_000,
  current: FIRST,
  isTransport: false,
  preferred: FIRST,
  answered,
  silent: [],
  named: null,
  ...more,
})
const SILENT = roundOf([])
const ANSWERED = roundOf([FIRST, SECOND])
const ELSEWHERE = roundOf([SECOND])

/** The last twelve outcomes, with so many single misses among them. */
const lossyOutcomes = (rows: number): Heartbeats['outcomes'] => [
  ...Array.from({ length: rows }, () => ['missed', 'answered'] as const).flat(),
  ...Array.from({ length: 12 - 2 * rows }, () => 'answered' as const),
]

/** Heartbeats that were missed, sent at these moments. */
const missed = (answeredAt: number | null, ...sentAt: readonly number[]): Heartbeats => ({
  ...noHeartbeats(0),
  answeredAt,
  underWay: sentAt.map((at, sequence) => ({ sequence, sentAt: at, overdue: true })),
  missesInARow: sentAt.length,
})

describe('a round of echoes', () => {
  const before: Evidence = { ...NO_EVIDENCE, silentRounds: 1, elsewhereRounds: 1, reachedAt: 100 }

  test('in which nothing answered is a silent one; the hub is reached no more', () => {
    expect(noteRound(before, SILENT, null, 'trusted', 7_000)).toEqual({
      ...before,
      round: SILENT,
      silentRounds: 2,
      elsewhereRounds: 0,
      reachedAt: null,
    })
  })

  test('that is silent says nothing of the hub where no echo was ever answered', () => {
    expect(noteRound(before, SILENT, null, 'unproven', 7_000)).toMatchObject({ silentRounds: 2, reachedAt: 100 })
    expect(noteRound(before, SILENT, WORD, 'trusted', 7_000)).toMatchObject({ view: null, reachedAt: null })
  })

  test('in which only another way answered counts for that; the hub is reached', () => {
    expect(noteRound(before, ELSEWHERE, WORD, 'trusted', 7_000)).toEqual({
      ...before,
      round: ELSEWHERE,
      silentRounds: 0,
      elsewhereRounds: 2,
      view: { ...WORD, at: 5_000 },
      reachedAt: 100,
    })
    expect(noteRound(NO_EVIDENCE, roundOf([SECOND], { current: null }), WORD, 'trusted', 7_000).elsewhereRounds).toBe(1)
  })

  test('in which the way we use answered ends both rows, and the hub is reached since then', () => {
    const { silentRounds, elsewhereRounds, reachedAt } = noteRound(
      { ...before, reachedAt: null },
      ANSWERED,
      WORD,
      'trusted',
      7_000,
    )
    expect({ silentRounds, elsewhereRounds, reachedAt }).toEqual({
      silentRounds: 0,
      elsewhereRounds: 0,
      reachedAt: 7_000,
    })
  })

  test('that was answered is from a hub that knows us, but not when it was asked before the registrar knew us no more', () => {
    const forgotten: Evidence = { ...NO_EVIDENCE, unknown: { since: 5_001, answers: 1 } }
    expect(noteRound(forgotten, ANSWERED, WORD, 'trusted', 7_000).unknown).toEqual(forgotten.unknown)
    expect(noteRound(forgotten, SILENT, null, 'trusted', 7_000).unknown).toEqual(forgotten.unknown)
    const known = noteRound(forgotten, { ...ANSWERED, askedAt: 5_001 }, WORD, 'trusted', 7_000)
    expect(known.unknown).toBeNull()
    const silentLater = noteRound(forgotten, { ...SILENT, askedAt: 9_000 }, null, 'trusted', 9_500)
    expect(silentLater.unknown).toEqual(forgotten.unknown)
  })
})

describe('what the registrar says', () => {
  const asked = { askedAt: 4_000, at: 4_030, reachable: true }
  const before: Evidence = {
    ...NO_EVIDENCE,
    view: { ...WORD, at: 3_000 },
    reachedAt: 3_000,
    unknown: { since: 2_000, answers: 1 },
  }

  test('is noted, and that it knows us or is silent ends that it did not', () => {
    for (const outcome of ['done', 'unreachable'] as const)
      expect(noteRegistrar(before, asked, outcome, 0)).toEqual({ ...before, registrar: asked, unknown: null })
    expect(noteRegistrar(before, asked, 'refused', 1)).toEqual({ ...before, registrar: asked })
  })

  test('that it does not know us is since the first time, and what the hub said before is of a home that it knew', () => {
    expect(noteRegistrar(before, asked, 'unknown', 2)).toEqual({
      ...before,
      registrar: asked,
      view: null,
      reachedAt: null,
      unknown: { since: 2_000, answers: 2 },
    })
    expect(noteRegistrar(NO_EVIDENCE, asked, 'unknown', 1).unknown).toEqual({ since: 4_030, answers: 1 })
  })

  test('of us is of when it was asked, and the hub is reached since it came; without a word nothing changes', () => {
    expect(notePeerView(before, WORD, 8_000, 9_000)).toMatchObject({ view: { at: 8_000 }, reachedAt: 3_000 })
    expect(notePeerView(NO_EVIDENCE, WORD, 8_000, 9_000).reachedAt).toBe(9_000)
    expect(notePeerView(before, null, 8_000, 9_000)).toBe(before)
  })
})

test('the outside answers since the first test in a row in which it did', () => {
  const once = noteUplink(NO_EVIDENCE, { gateway: true, beacon: true }, 1_000)
  expect(once.uplink).toEqual({ gateway: true, beacon: true, at: 1_000, answersSince: 1_000 })
  const twice = noteUplink(once, { gateway: null, beacon: true }, 2_000)
  expect(twice.uplink).toMatchObject({ at: 2_000, answersSince: 1_000 })
  for (const beacon of [false, null])
    expect(noteUplink(twice, { gateway: true, beacon }, 3_000).uplink).toMatchObject({ answersSince: null })
})

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
