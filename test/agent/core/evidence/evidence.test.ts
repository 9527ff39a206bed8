import { describe, expect, test } from 'vitest'
import {
  type Evidence,
  NO_EVIDENCE,
  noteRegistrar,
  noteRound,
  noteUplink,
  notePeerView,
} from '../../../../agent/core/evidence/evidence.ts'
import { SECOND, WORD, roundOf, SILENT, ANSWERED, ELSEWHERE } from './given-evidence.ts'

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
