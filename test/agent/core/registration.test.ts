import { describe, expect, test } from 'vitest'
import {
  isDue,
  noteOutcome,
  noteRegistering,
  notRegistered,
  type Registration,
  registerSoon,
} from '../../../agent/core/registration.ts'

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

  test('a doubt does not shorten the pause after failures', () => {
    let registration = notRegistered(0)
    for (let round = 0; round < 6; round += 1)
      registration = noteOutcome(noteRegistering(registration, 0), 'unreachable', 0.5, 0)
    expect(registerSoon(registration, 'doubt', 10).due).toEqual({ at: 32_000, reason: 'doubt' })
  })

  test('a hub that refuses is reachable', () => {
    const refused = noteOutcome(noteRegistering(notRegistered(0), 0), 'refused', 0.5, 0)
    expect(refused).toMatchObject({ registrar: 'reachable', failuresInARow: 1, succeededAt: null })
  })

  test('homes spread over half the pause', () => {
    const at = (spread: number): number =>
      noteOutcome(noteRegistering(notRegistered(0), 0), 'unreachable', spread, 0).due.at
    expect([at(0), at(1)]).toEqual([750, 1_250])
  })
})
