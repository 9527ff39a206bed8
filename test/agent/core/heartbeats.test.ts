import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  answerTimeoutMs,
  forgiveMisses,
  type Heartbeats,
  lossRatio,
  missesThatCount,
  noHeartbeats,
  noteAnswer,
  noteOverdue,
  noteSent,
  overdueAt,
} from '../../../agent/core/heartbeats.ts'

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

  test.each([
    [0, 3],
    [1, 3],
    [5, 5],
    [10, 6],
    [30, 8],
  ])('at %i %% everyday loss %i misses in a row mean more', (percent, count) => {
    const outcomes = Array.from({ length: 100 }, (_, index) => index % 100 >= percent)
    expect(missesThatCount(exchanged(outcomes))).toBe(count)
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

  test('sequences wrap at 32 bits', () => {
    const beats = noteSent(noHeartbeats(2 ** 32 - 1), 0)
    expect(beats.nextSequence).toBe(0)
    expect(noteAnswer(beats, 2 ** 32 - 1, 5)).not.toBeNull()
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
