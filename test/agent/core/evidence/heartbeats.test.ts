import * as fc from '../../../properties.ts'
import { describe, expect, test } from 'vitest'
import {
  answerTimeoutMs,
  everydayLoss,
  forgiveMisses,
  type Heartbeats,
  isOvertaken,
  lossRatio,
  missesThatCount,
  noHeartbeats,
  noteAnswer,
  noteOverdue,
  noteCarried,
  noteSent,
  overdueAt,
} from '../../../../agent/core/evidence/heartbeats.ts'

/** Sends one each 5 s; `outcomes` says which are answered, after `roundTripMs`. */
function exchanged(outcomes: readonly boolean[], roundTripMs = 20): Heartbeats {
  let beats = noHeartbeats(7)
  outcomes.forEach((isAnswered, index) => {
    const now = index * 5_000
    const sequence = beats.nextSequence
    beats = noteSent(beats, now)
    beats = isAnswered ? (noteAnswer(beats, sequence, now + roundTripMs) ?? beats) : noteOverdue(beats, now + 5_000)
  })
  return beats
}

describe('heartbeats', () => {
  test('an answer to one that is not under way counts for nothing', () => {
    const beats = noteSent(noHeartbeats(7), 0)
    expect(noteAnswer(beats, 8, 10)).toBeNull()
    const answered = noteAnswer(beats, 7, 10)
    expect(answered?.answeredAt).toBe(10)
    expect(noteAnswer(answered!, 7, 11)).toBeNull()
  })

  test('one that is overdue is a miss, once', () => {
    const beats = noteSent(noHeartbeats(0), 0)
    expect(overdueAt(beats)).toBe(1_000)
    expect(noteOverdue(beats, 999).missesInARow).toBe(0)
    const missed = noteOverdue(beats, 1_000)
    expect(missed.missesInARow).toBe(1)
    expect(noteOverdue(missed, 9_000).missesInARow).toBe(1)
    expect(overdueAt(missed)).toBeNull()
  })

  test('a late answer takes its miss back', () => {
    const missed = noteOverdue(noteSent(noHeartbeats(0), 0), 1_000)
    const late = noteAnswer(missed, 0, 1_500)
    expect(late?.missesInARow).toBe(0)
    expect(lossRatio(late!)).toBe(0)
  })

  test('the loss ratio counts what is missed now, and what was missed before an answer', () => {
    expect(lossRatio(exchanged([true, true, true, false]))).toBe(0.25)
    expect(lossRatio(exchanged([true, false, true, true]))).toBe(0.25)
    expect(lossRatio(noHeartbeats(0))).toBe(0)
  })

  test('the misses of an outage are no everyday loss', () => {
    const outage = forgiveMisses(exchanged([...Array.from({ length: 50 }, () => true), false, false, false]))
    const sequence = outage.nextSequence
    const recovered = noteAnswer(noteSent(outage, 900_000), sequence, 900_020)
    expect(lossRatio(recovered!)).toBe(0)
    expect(missesThatCount(recovered!)).toBe(3)
  })

  /** Outcomes by their first letters: `m` missed, `a` answered. */
  const said = (letters: string): Heartbeats => ({
    ...noHeartbeats(0),
    outcomes: Array.from(letters, (letter) => (letter === 'm' ? 'missed' : 'answered')),
  })

  test.each([
    // Nothing is lost, or one heartbeat, or one row of them, however long: an outage is no measure of the line.
    ['', 0.01, 3],
    ['a'.repeat(100), 0.01, 3],
    [`${'a'.repeat(99)}m`, 0.01, 3],
    [`a${'m'.repeat(99)}`, 0.01, 3],
    [`${'m'.repeat(90)}${'a'.repeat(10)}`, 0.01, 3],
    // Two of a hundred, far apart: 2 %.
    [`m${'a'.repeat(49)}m${'a'.repeat(49)}`, 2 / 98, 4],
    // Each twentieth, then each tenth.
    [`m${'a'.repeat(19)}`.repeat(5), 5 / 95, 5],
    [`m${'a'.repeat(9)}`.repeat(10), 10 / 90, 6],
    [`${'a'.repeat(8)}m`.repeat(11), 2 / 10, 8],
    // Two rows in the last twelve, or in the last twenty-five: a line that became bad.
    [`${'a'.repeat(88)}ammaaaaaamaa`, 2 / 9, 9],
    [`${'a'.repeat(86)}mmaaaaaaaaaama`, 2 / 22, 6],
    [`${'a'.repeat(75)}ma${'a'.repeat(21)}ma`, 2 / 23, 5],
    [`${'a'.repeat(74)}ma${'a'.repeat(22)}ma`, 2 / 98, 4],
    // Half; two of three; and what is worse than the worst.
    ['ma'.repeat(50), 0.7, 34],
    ['maa'.repeat(4), 0.5, 18],
    ['maaa'.repeat(3), 1 / 3, 11],
  ])('of %s the everyday loss is %d, and %i misses in a row mean more', (letters, loss, count) => {
    const beats = said(letters.slice(-100))
    expect(everydayLoss(beats)).toBeCloseTo(loss, 10)
    expect(missesThatCount(beats)).toBe(count)
  })

  test('a row counts at its whole length in the loss ratio, and once in the everyday loss', () => {
    const letters = [true, false, false, false, true, true, false, true]
    expect(lossRatio(exchanged(letters))).toBe(0.5)
    expect(everydayLoss(exchanged(letters))).toBe(2 / 4)
  })

  test('an unknown line gets a second, a well-known one what it needs', () => {
    expect(answerTimeoutMs(noHeartbeats(0))).toBe(1_000)
    expect(answerTimeoutMs(exchanged([true], 600))).toBe(2_400)
    expect(
      answerTimeoutMs(
        exchanged(
          Array.from({ length: 20 }, () => true),
          20,
        ),
      ),
    ).toBe(300)
    const satellite = exchanged(
      Array.from({ length: 40 }, () => true),
      600,
    )
    expect(answerTimeoutMs(satellite)).toBeGreaterThan(600)
    expect(answerTimeoutMs(satellite)).toBeLessThan(700)
  })

  test('an answer is overtaken when a later one was answered before it', () => {
    const sent = noteSent(noteSent(noteSent(noHeartbeats(2 ** 32 - 2), 0), 1), 2)
    const [first, second, third] = [2 ** 32 - 2, 2 ** 32 - 1, 0] as const
    for (const sequence of [first, second, third]) expect(isOvertaken(sent, sequence)).toBe(false)
    const answered = noteAnswer(sent, second, 5)!
    expect(isOvertaken(answered, first)).toBe(true)
    expect(isOvertaken(answered, third)).toBe(false)
  })

  test('sequences wrap at 32 bits', () => {
    const beats = noteSent(noHeartbeats(2 ** 32 - 1), 0)
    expect(beats.nextSequence).toBe(0)
    expect(noteAnswer(beats, 2 ** 32 - 1, 5)).not.toBeNull()
  })

  test('nothing is known at first, and what is sent is dated', () => {
    expect(noHeartbeats(2 ** 32 + 7)).toEqual({
      nextSequence: 7,
      underWay: [],
      lastSentAt: null,
      answeredAt: null,
      missesInARow: 0,
      outcomes: [],
      roundTrip: null,
    })
    expect(noteSent(noHeartbeats(7), 4)).toEqual({
      ...noHeartbeats(8),
      underWay: [{ sequence: 7, sentAt: 4, overdue: false }],
      lastSentAt: 4,
    })
  })

  test('an answer ends the row of misses; those before it are the line’s everyday loss', () => {
    let beats = noHeartbeats(0)
    for (const now of [0, 250, 500]) beats = noteSent(beats, now)
    beats = noteOverdue(noteOverdue(beats, 1_000), 1_250)
    expect(beats.missesInARow).toBe(2)
    const answered = noteAnswer(beats, 2, 1_300)!
    expect(answered).toMatchObject({ missesInARow: 0, answeredAt: 1_300, outcomes: ['missed', 'missed', 'answered'] })
    expect(answered.underWay.map(({ sequence }) => sequence)).toEqual([0, 1])
    // Later the first one is answered after all: its miss was counted before.
    expect(noteAnswer(answered, 0, 1_400)).toMatchObject({
      missesInARow: 0,
      outcomes: ['missed', 'missed', 'answered', 'answered'],
    })
  })

  test('of three misses in a row two are left when the first is answered late', () => {
    let beats = noHeartbeats(0)
    for (const now of [0, 1, 2]) beats = noteSent(beats, now)
    expect(noteAnswer(noteOverdue(beats, 1_500), 0, 1_600)!.outcomes).toEqual(['missed', 'missed', 'answered'])
  })

  test('those overdue at the same moment are counted together, and the next one is waited for', () => {
    let beats = noHeartbeats(0)
    for (const now of [0, 250, 900]) beats = noteSent(beats, now)
    const late = noteOverdue(beats, 1_500)
    expect(late.missesInARow).toBe(2)
    expect(late.underWay.map(({ overdue }) => overdue)).toEqual([true, true, false])
    expect(overdueAt(late)).toBe(1_900)
    expect(noteOverdue(late, 1_501)).toBe(late)
  })

  test('a proof that the tunnel carries is as good as an answer, but tells no round trip', () => {
    const sent = noteOverdue(noteSent(exchanged([true, true]), 20_000), 25_000)
    const refused = noteCarried(sent, 25_100)
    expect(refused).toEqual({ ...sent, underWay: [], missesInARow: 0, answeredAt: 25_100 })
  })

  test('misses are forgiven once', () => {
    const missed = noteOverdue(noteSent(noHeartbeats(0), 0), 1_000)
    expect(forgiveMisses(missed)).toEqual({ ...missed, missesInARow: 0 })
    const none = noHeartbeats(0)
    expect(forgiveMisses(none)).toBe(none)
  })

  test('128 may be under way, and the oldest make way', () => {
    let beats = noHeartbeats(0)
    for (let now = 0; now < 129; now += 1) beats = noteSent(beats, now)
    expect(beats.underWay).toHaveLength(128)
    expect(noteAnswer(beats, 0, 200)).toBeNull()
    expect(noteAnswer(beats, 1, 200)).not.toBeNull()
  })

  test('the loss ratio looks back a hundred heartbeats', () => {
    const beats = exchanged([false, ...Array.from({ length: 100 }, () => true)])
    expect(beats.outcomes).toHaveLength(100)
    expect(lossRatio(beats)).toBe(0)
    expect(lossRatio(exchanged([false, ...Array.from({ length: 99 }, () => true)]))).toBe(0.01)
    // What is missed right now is in it, and the oldest ones are not.
    expect(lossRatio({ ...beats, missesInARow: 25 })).toBe(0.25)
    const half = exchanged([...Array.from({ length: 50 }, () => false), ...Array.from({ length: 50 }, () => true)])
    expect(lossRatio({ ...half, missesInARow: 50 })).toBe(0.5)
  })

  test('the round trip is RFC 6298’s', () => {
    const first = exchanged([true], 80).roundTrip
    expect(first).toEqual({ lastMs: 80, smoothedMs: 80, variationMs: 40, samples: 1 })
    const second = noteAnswer(noteSent(exchanged([true], 80), 50_000), 8, 50_160)!.roundTrip
    expect(second).toEqual({ lastMs: 160, smoothedMs: 90, variationMs: 50, samples: 2 })
  })

  test('an answer that took longer than ten seconds says nothing about the round trip', () => {
    const beats = noteSent(exchanged([true], 80), 50_000)
    expect(noteAnswer(beats, 8, 60_001)!.roundTrip).toEqual(beats.roundTrip)
    expect(noteAnswer(beats, 8, 60_000)!.roundTrip).toMatchObject({ lastMs: 10_000, samples: 2 })
  })

  test('a timeout follows the line from the fourth answer on, between its bounds', () => {
    const known = (samples: number, smoothedMs: number, variationMs: number): number =>
      answerTimeoutMs({ ...noHeartbeats(0), roundTrip: { lastMs: 0, smoothedMs, variationMs, samples } })
    expect(known(3, 200, 10)).toBe(800)
    expect(known(4, 300, 10)).toBe(340)
    expect(known(3, 20, 10)).toBe(500)
    expect(known(4, 20, 10)).toBe(300)
    expect(known(3, 2_000, 10)).toBe(5_000)
    expect(known(4, 2_000, 1_000)).toBe(5_000)
  })

  test('whatever happens, what is kept stays bounded', () => {
    const step = fc.record({
      kind: fc.constantFrom('send', 'answer', 'overdue'),
      afterMs: fc.nat(4_000),
      which: fc.nat(400),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        let beats = noHeartbeats(0)
        let now = 0
        for (const { kind, afterMs, which } of steps) {
          now += afterMs
          if (kind === 'send') beats = noteSent(beats, now)
          else if (kind === 'answer') beats = noteAnswer(beats, which, now) ?? beats
          else beats = noteOverdue(beats, now)
          expect(beats.underWay.length).toBeLessThanOrEqual(128)
          expect(beats.outcomes.length).toBeLessThanOrEqual(100)
          expect(lossRatio(beats)).toBeGreaterThanOrEqual(0)
          expect(lossRatio(beats)).toBeLessThanOrEqual(1)
          expect(answerTimeoutMs(beats)).toBeGreaterThanOrEqual(300)
          expect(answerTimeoutMs(beats)).toBeLessThanOrEqual(5_000)
        }
      }),
      { numRuns: 50 },
    )
  })
})
