import { describe, expect, test } from 'vitest'
import {
  causeOf,
  endsAt,
  type Health,
  heartbeatGapMs,
  isDark,
  judge,
  type Signs,
} from '../../../../agent/core/evidence/health.ts'

const SINCE = 1_000
const starting: Health = { kind: 'starting', since: SINCE }
const up: Health = { kind: 'up', since: SINCE, provenAt: 2_000 }
const doubtful: Health = { kind: 'doubtful', since: SINCE }
const healing: Health = { kind: 'healing', since: SINCE, cause: 'flow-dead' }
const offline: Health = { kind: 'offline', since: SINCE, cause: null }
const unknown: Health = { kind: 'offline', since: SINCE, cause: 'home-unknown' }

const silent = (missesInARow: number): Signs => ({ answered: false, missesInARow, missesThatCount: 3 })
const answered: Signs = { answered: true, missesInARow: 9, missesThatCount: 3 }

describe('a tunnel', () => {
  test.each([starting, doubtful, healing, offline])('that was $kind is up with the first answer', (health) => {
    expect(judge(health, answered, 5_000)).toEqual({ kind: 'up', since: 5_000, provenAt: 5_000 })
  })

  test('that is up stays so since it came up, and is proven by each answer', () => {
    expect(judge(up, answered, 5_000)).toEqual({ kind: 'up', since: SINCE, provenAt: 5_000 })
  })

  test('is doubted with the miss that counts, and not with the one before', () => {
    expect(judge(up, silent(2), 5_000)).toBe(up)
    expect(judge(up, silent(3), 5_000)).toEqual({ kind: 'doubtful', since: 5_000 })
  })

  test.each([
    [starting, 30_000],
    [doubtful, 20_000],
  ] as const)('that is $kind is offline when that has lasted long enough, without a cause', (health, lastsMs) => {
    expect(endsAt(health)).toBe(SINCE + lastsMs)
    expect(judge(health, silent(99), SINCE + lastsMs - 1)).toBe(health)
    const now = SINCE + lastsMs
    expect(judge(health, silent(0), now)).toEqual({ kind: 'offline', since: now, cause: null })
  })

  test.each([healing, offline])('that is $kind is not changed by time', (health) => {
    expect(endsAt(health)).toBeNull()
    expect(judge(health, silent(99), 9_000_000)).toBe(health)
  })

  test('that is up is not changed by time either', () => {
    expect(endsAt(up)).toBeNull()
    expect(judge(up, silent(0), 9_000_000)).toBe(up)
  })

  test('has a cause only where one was proven', () => {
    expect([starting, up, doubtful, healing, offline, unknown].map(causeOf)).toEqual([
      null,
      null,
      null,
      'flow-dead',
      null,
      'home-unknown',
    ])
  })
})

describe('the next heartbeat', () => {
  test.each<[Health, number, number]>([
    [starting, 0, 250],
    [starting, 4_999, 250],
    [starting, 5_000, 1_000],
    [doubtful, 19_000, 250],
    [healing, 0, 250],
    [healing, 14_999, 250],
    [healing, 15_000, 1_000],
    [healing, 599_999, 1_000],
    [healing, 600_000, 5_000],
    [offline, 0, 1_000],
    [offline, 599_999, 1_000],
    [offline, 600_000, 5_000],
    [unknown, 0, 5_000],
    [unknown, 600_000, 5_000],
  ])('of %o, %i ms after that began, comes %i ms later', (health, lastedMs, gapMs) => {
    expect(heartbeatGapMs(health, 3, 4_800, SINCE + lastedMs)).toBe(gapMs)
  })

  test('of a tunnel that is up comes calmly, and soon once one is missing', () => {
    expect(heartbeatGapMs(up, 0, 4_800, 9_000)).toBe(4_800)
    expect(heartbeatGapMs(up, 1, 4_800, 9_000)).toBe(250)
    expect(heartbeatGapMs(up, 1, 200, 9_000)).toBe(200)
  })
})

test('a tunnel is dark that was not up for eight seconds, or is known to be away', () => {
  for (const health of [starting, doubtful, healing]) {
    expect(isDark(health, SINCE + 7_999)).toBe(false)
    expect(isDark(health, SINCE + 8_000)).toBe(true)
  }
  expect(isDark(offline, SINCE)).toBe(true)
  expect(isDark(up, SINCE + 90_000)).toBe(false)
})
