import { describe, expect, test } from 'vitest'
import {
  type Fallback,
  failbackEveryMs,
  noteFailbackRound,
  noteFailbackFailed,
  failback,
  fellBack,
  onTrial,
} from '../../../agent/core/fallback.ts'
import type { EchoRound } from '../../../agent/core/evidence/evidence.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { CARRIER, WAYS } from './judged/simulation.ts'

const [FIRST, SECOND] = WAYS as readonly [Endpoint, Endpoint]
const THIRD: Endpoint = { address: '203.0.113.10', port: 443 }

const onCarrier = fellBack('transport', CARRIER, 'udp-blocked', 7_000)
const onWay = fellBack('endpoint', SECOND, 'port-blocked', 7_000)

const answeredOn = (...answered: readonly Endpoint[]): EchoRound => ({
  askedAt: 0,
  current: SECOND,
  isTransport: false,
  preferred: FIRST,
  answered,
  silent: [],
  named: null,
})
const good = (fallback: Fallback, goodRounds: number): Fallback => ({ ...fallback, goodRounds })

describe('a detour', () => {
  test('remembers where it is and why; from another way nothing goes back in the first five minutes', () => {
    expect(onCarrier).toEqual({
      on: 'transport',
      current: CARRIER,
      cause: 'udp-blocked',
      since: 7_000,
      goodRounds: 0,
      failures: 0,
      notBefore: 7_000,
      trial: null,
    })
    expect(onWay).toMatchObject({ on: 'endpoint', current: SECOND, notBefore: 307_000 })
  })

  test('goes back later where failbacks failed before on this line', () => {
    expect(fellBack('transport', CARRIER, 'udp-blocked', 7_000, 3)).toMatchObject({ failures: 3, notBefore: 247_000 })
    expect(fellBack('endpoint', SECOND, 'port-blocked', 7_000, 1)).toMatchObject({ failures: 1, notBefore: 307_000 })
    expect(fellBack('endpoint', SECOND, 'port-blocked', 7_000, 4)).toMatchObject({ failures: 4, notBefore: 487_000 })
  })

  test('looks back each ten seconds from the carrier, each minute from another way', () => {
    expect([failbackEveryMs(onCarrier), failbackEveryMs(onWay)]).toEqual([10_000, 60_000])
  })

  test('counts the rounds in a row in which the better way answered', () => {
    expect(noteFailbackRound(good(onWay, 1), answeredOn(SECOND, FIRST)).goodRounds).toBe(2)
    expect(noteFailbackRound(good(onWay, 2), answeredOn(SECOND)).goodRounds).toBe(0)
    expect(noteFailbackRound(good(onWay, 2), answeredOn()).goodRounds).toBe(0)
  })

  test('from the carrier every UDP is better', () => {
    expect(noteFailbackRound(good(onCarrier, 1), answeredOn(THIRD)).goodRounds).toBe(2)
    expect(noteFailbackRound(good(onCarrier, 1), answeredOn()).goodRounds).toBe(0)
  })
})

describe('the way back', () => {
  test('is taken after three rounds in a row that answered, and not after two', () => {
    expect(failback(good(onCarrier, 2), answeredOn(FIRST), 90_000)).toBeNull()
    expect(failback(good(onCarrier, 3), answeredOn(FIRST), 90_000)).toEqual(FIRST)
    expect(failback(good(onCarrier, 3), null, 90_000)).toBeNull()
  })

  test('is taken when the stay is over, and not a moment before', () => {
    expect(failback(good(onWay, 9), answeredOn(FIRST), 306_999)).toBeNull()
    expect(failback(good(onWay, 9), answeredOn(FIRST), 307_000)).toEqual(FIRST)
  })

  test('leads to the preferred one where that answers, and from the carrier else to the best that does', () => {
    expect(failback(good(onCarrier, 3), answeredOn(THIRD, SECOND, FIRST), 90_000)).toEqual(FIRST)
    expect(failback(good(onCarrier, 3), answeredOn(THIRD, SECOND), 90_000)).toEqual(THIRD)
    expect(failback(good(onCarrier, 3), answeredOn(), 90_000)).toBeNull()
    expect(failback(good(onWay, 3), answeredOn(THIRD, SECOND), 900_000)).toBeNull()
  })

  test('is not taken while one is on trial, and earns its three rounds again after it', () => {
    const tried = onTrial(good(onCarrier, 3), 90_000)
    expect(tried).toMatchObject({ goodRounds: 0, trial: { since: 90_000, stamp: 'unseen' } })
    expect(failback({ ...tried, goodRounds: 3 }, answeredOn(FIRST), 90_000)).toBeNull()
    expect(noteFailbackFailed(tried, 95_000).trial).toBeNull()
  })

  test('in vain is tried again after 1, 2, 4 … 60 minutes, and earns its three rounds again', () => {
    let fallback = good(onCarrier, 3)
    const minutes = Array.from({ length: 9 }, () => {
      fallback = noteFailbackFailed({ ...fallback, goodRounds: 3 }, 1_000)
      expect(fallback.goodRounds).toBe(0)
      return (fallback.notBefore - 1_000) / 60_000
    })
    expect(minutes).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
    expect(fallback.failures).toBe(9)
  })
})
