import { describe, expect, test } from 'vitest'
import {
  isDue,
  noteOutcome,
  noteRegistering,
  notRegistered,
  type Registration,
  registerSoon,
} from '../../../../agent/core/evidence/registration.ts'

const registered = (at: number): Registration => noteOutcome(noteRegistering(notRegistered(at), at), 'done', 0.5, at)

describe('registration', () => {
  test('the first one is due at once', () => {
    expect(isDue(notRegistered(5), 5)).toBe(true)
    expect(notRegistered(5).due.reason).toBe('start')
  })

  test('it is repeated every ten minutes', () => {
    const registration = registered(0)
    expect(registration.due).toEqual({ at: 600_000, reason: 'periodic' })
    expect(isDue(registration, 599_999)).toBe(false)
    expect(isDue(registration, 600_000)).toBe(true)
  })

  test('a changed mapping registers at once, but never twice within five seconds', () => {
    expect(registerSoon(registered(0), 'mapping-changed', 60_000).due).toEqual({
      at: 60_000,
      reason: 'mapping-changed',
    })
    expect(registerSoon(registered(0), 'mapping-changed', 1_000).due.at).toBe(5_000)
  })

  test('what happens while one is under way is registered after it', () => {
    const pending = registerSoon(noteRegistering(notRegistered(0), 0), 'mapping-changed', 100)
    expect(isDue(pending, 200)).toBe(false)
    expect(noteOutcome(pending, 'done', 0.5, 300).due).toEqual({ at: 5_300, reason: 'mapping-changed' })
  })

  test('also when it is one more try after failures', () => {
    const failed = noteOutcome(noteRegistering(notRegistered(0), 0), 'unreachable', 0.5, 0)
    const pending = registerSoon(noteRegistering(failed, 1_000), 'mapping-changed', 1_100)
    expect(noteOutcome(pending, 'done', 0.5, 1_300).due).toEqual({ at: 6_300, reason: 'mapping-changed' })
    expect(noteOutcome(pending, 'unreachable', 0.5, 1_300).due).toEqual({ at: 3_300, reason: 'mapping-changed' })
  })

  test('failures are retried with growing pauses up to a minute, and keep their reason', () => {
    let registration = notRegistered(0)
    const pauses: number[] = []
    for (let round = 0; round < 9; round += 1) {
      registration = noteOutcome(noteRegistering(registration, 0), 'unreachable', 0.5, 0)
      pauses.push(registration.due.at)
      expect(registration.due.reason).toBe('start')
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
    expect(registration.registrar).toBe('unreachable')
  })

  test('a doubt waits a second after one that succeeded, and nothing puts off what is due before', () => {
    expect(registerSoon(registered(0), 'doubt', 400).due).toEqual({ at: 1_000, reason: 'doubt' })
    expect(registerSoon(registered(0), 'doubt', 1_001).due.at).toBe(1_001)
    expect(registerSoon(registered(0), 'configuration', 700_000).due).toEqual({ at: 600_000, reason: 'configuration' })
    expect(registerSoon(notRegistered(50_000), 'doubt', 50_000).due.at).toBe(50_000)
  })

  test('one that succeeds forgets the failures before it', () => {
    const failed = noteOutcome(noteRegistering(notRegistered(0), 0), 'unknown', 0.5, 0)
    const done = noteOutcome(noteRegistering(failed, 1_000), 'done', 0.5, 1_030)
    expect(done).toEqual({
      pending: null,
      due: { at: 601_030, reason: 'periodic' },
      succeededAt: 1_030,
      succeeded: 1,
      failuresInARow: 0,
      unknownInARow: 0,
      registrar: 'reachable',
    })
    expect(noteOutcome(noteRegistering(done, 601_030), 'done', 0.5, 601_060).succeeded).toBe(2)
  })

  test('one that is under way leaves nothing due, and knows since when and why', () => {
    expect(notRegistered(5)).toMatchObject({ pending: null, succeeded: 0, failuresInARow: 0, unknownInARow: 0 })
    expect(notRegistered(5)).toMatchObject({ registrar: 'unknown', succeededAt: null })
    const pending = noteRegistering(notRegistered(5), 9)
    expect(pending).toMatchObject({ pending: { since: 9, reason: 'start' }, due: { at: Infinity } })
    expect(isDue(pending, 9_000_000)).toBe(false)
  })

  test('answers that the hub does not know us are counted in a row: a refusal does not end it, silence does', () => {
    const rows: number[] = []
    let registration = notRegistered(0)
    for (const outcome of ['unknown', 'unknown', 'refused', 'unknown', 'unreachable', 'unknown'] as const) {
      registration = noteOutcome(noteRegistering(registration, 0), outcome, 0.5, 0)
      rows.push(registration.unknownInARow)
    }
    expect(rows).toEqual([1, 2, 2, 3, 0, 1])
  })

  test('the first answer that the hub does not know us is asked for again soon, however often it was silent before', () => {
    let registration = notRegistered(0)
    for (let round = 0; round < 9; round += 1)
      registration = noteOutcome(noteRegistering(registration, 0), 'unreachable', 0.5, 0)
    const pauses = (['unknown', 'unknown', 'unknown'] as const).map((outcome) => {
      registration = noteOutcome(noteRegistering(registration, 0), outcome, 0.5, 0)
      return registration.due.at
    })
    expect(pauses).toEqual([1_000, 2_000, 4_000])
    expect(registration.registrar).toBe('reachable')
  })

  test('a doubt does not shorten the pause after failures', () => {
    let registration = notRegistered(0)
    for (let round = 0; round < 6; round += 1)
      registration = noteOutcome(noteRegistering(registration, 0), 'unreachable', 0.5, 0)
    expect(registerSoon(registration, 'doubt', 10).due).toEqual({ at: 32_000, reason: 'doubt' })
  })

  test('nor the pause after the first one', () => {
    const failed = noteOutcome(noteRegistering(notRegistered(0), 0), 'unreachable', 0.5, 0)
    expect(registerSoon(failed, 'doubt', 100).due).toEqual({ at: 1_000, reason: 'doubt' })
  })

  test('a hub that refuses is there, and not called reachable', () => {
    const refused = noteOutcome(noteRegistering(notRegistered(0), 0), 'refused', 0.5, 0)
    expect(refused).toMatchObject({ registrar: 'refusing', failuresInARow: 1, succeededAt: null })
  })

  test('homes spread over half the pause', () => {
    const at = (jitter: number): number =>
      noteOutcome(noteRegistering(notRegistered(0), 0), 'unreachable', jitter, 0).due.at
    expect([at(0), at(1)]).toEqual([750, 1_250])
  })
})
