import { describe, expect, test } from 'vitest'
import {
  type Away,
  lookBackEveryMs,
  noteLookBack,
  noteWayBackFailed,
  wayBack,
  wentAway,
} from '../../../agent/core/away.ts'
import type { EchoRound } from '../../../agent/core/evidence.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { CARRIER, WAYS } from './simulation.ts'

const [FIRST, SECOND] = WAYS as readonly [Endpoint, Endpoint]
const THIRD: Endpoint = { address: '203.0.113.10', port: 443 }

const onCarrier = wentAway('carrier', CARRIER, 'udp-blocked', 7_000)
const onWay = wentAway('way', SECOND, 'port-blocked', 7_000)

const answeredOn = (...answered: readonly Endpoint[]): EchoRound => ({
  askedAt: 0,
  current: SECOND,
  isCarrier: false,
  preferred: FIRST,
  answered,
  silent: [],
  named: null,
})
const good = (away: Away, goodRounds: number): Away => ({ ...away, goodRounds })

describe('a detour', () => {
  test('remembers where it is and why; from another way nothing goes back in the first five minutes', () => {
    expect(onCarrier).toEqual({
      on: 'carrier',
      current: CARRIER,
      cause: 'udp-blocked',
      since: 7_000,
      goodRounds: 0,
      failures: 0,
      notBefore: 7_000,
    })
    expect(onWay).toMatchObject({ on: 'way', current: SECOND, notBefore: 307_000 })
  })

  test('looks back each ten seconds from the carrier, each minute from another way', () => {
    expect([lookBackEveryMs(onCarrier), lookBackEveryMs(onWay)]).toEqual([10_000, 60_000])
  })

  test('counts the rounds in a row in which the better way answered', () => {
    expect(noteLookBack(good(onWay, 1), answeredOn(SECOND, FIRST)).goodRounds).toBe(2)
    expect(noteLookBack(good(onWay, 2), answeredOn(SECOND)).goodRounds).toBe(0)
    expect(noteLookBack(good(onWay, 2), answeredOn()).goodRounds).toBe(0)
  })

  test('from the carrier every UDP is better', () => {
    expect(noteLookBack(good(onCarrier, 1), answeredOn(THIRD)).goodRounds).toBe(2)
    expect(noteLookBack(good(onCarrier, 1), answeredOn()).goodRounds).toBe(0)
  })
})

describe('the way back', () => {
  test('is taken after three rounds in a row that answered, and not after two', () => {
    expect(wayBack(good(onCarrier, 2), answeredOn(FIRST), 90_000)).toBeNull()
    expect(wayBack(good(onCarrier, 3), answeredOn(FIRST), 90_000)).toEqual(FIRST)
    expect(wayBack(good(onCarrier, 3), null, 90_000)).toBeNull()
  })

  test('is taken when the stay is over, and not a moment before', () => {
    expect(wayBack(good(onWay, 9), answeredOn(FIRST), 306_999)).toBeNull()
    expect(wayBack(good(onWay, 9), answeredOn(FIRST), 307_000)).toEqual(FIRST)
  })

  test('leads to the preferred one where that answers, and from the carrier else to the best that does', () => {
    expect(wayBack(good(onCarrier, 3), answeredOn(THIRD, SECOND, FIRST), 90_000)).toEqual(FIRST)
    expect(wayBack(good(onCarrier, 3), answeredOn(THIRD, SECOND), 90_000)).toEqual(THIRD)
    expect(wayBack(good(onCarrier, 3), answeredOn(), 90_000)).toBeNull()
    expect(wayBack(good(onWay, 3), answeredOn(THIRD, SECOND), 900_000)).toBeNull()
  })

  test('in vain is tried again after 1, 2, 4 … 60 minutes, and earns its three rounds again', () => {
    let away = good(onCarrier, 3)
    const minutes = Array.from({ length: 9 }, () => {
      away = noteWayBackFailed({ ...away, goodRounds: 3 }, 1_000)
      expect(away.goodRounds).toBe(0)
      return (away.notBefore - 1_000) / 60_000
    })
    expect(minutes).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
    expect(away.failures).toBe(9)
  })
})
