import { describe, expect, test } from 'vitest'
import {
  type Handshake,
  isKeyEnding,
  judgeTrial,
  missedHandshakesMs,
  NO_HANDSHAKE,
  noteHandshake,
  type Trial,
} from '../../../../agent/core/evidence/rekey.ts'

describe('a handshake', () => {
  test('is timed from when its stamp was first seen, whatever clock stamps it', () => {
    const first = noteHandshake(NO_HANDSHAKE, 1_700, 5_000)
    expect(first).toEqual({ stamp: 1_700, since: 5_000 })
    expect(noteHandshake(first, 1_700, 9_000)).toBe(first)
    expect(noteHandshake(first, 3, 9_000)).toEqual({ stamp: 3, since: 9_000 })
    expect(noteHandshake(first, null, 9_000)).toEqual({ stamp: null, since: 9_000 })
  })

  test('that none followed for 155 seconds leaves a key that ends soon; no handshake at all tells nothing', () => {
    const seen: Handshake = { stamp: 1_700, since: 5_000 }
    expect([159_999, 160_000].map((now) => isKeyEnding(seen, 3, now))).toEqual([false, true])
    expect(isKeyEnding({ stamp: null, since: 5_000 }, 3, 900_000)).toBe(false)
    expect(isKeyEnding(NO_HANDSHAKE, 3, 900_000)).toBe(false)
    expect(NO_HANDSHAKE).toEqual({ stamp: null, since: -Infinity })
  })

  test('on a line that loses much more of them must fail before they are called blocked', () => {
    const seen: Handshake = { stamp: 1_700, since: 5_000 }
    expect([164_999, 165_000].map((now) => isKeyEnding(seen, 8, now))).toEqual([false, true])
    expect([3, 8, 14].map(missedHandshakesMs)).toEqual([135_000, 160_000, 190_000])
  })
})

describe('a trial', () => {
  const begun: Trial = { since: 50_000, stamp: 'unseen' }
  const seen: Handshake = { stamp: 1_700, since: 20_000 }

  test('takes the last handshake from a look that was begun after it', () => {
    expect(judgeTrial(begun, seen, 49_999, 50_100)).toEqual([begun, 'waits'])
    expect(judgeTrial(begun, seen, 50_000, 50_100)).toEqual([{ since: 50_000, stamp: 1_700 }, 'waits'])
  })

  test('is over at once where the machine tells nothing of handshakes', () => {
    expect(judgeTrial(begun, NO_HANDSHAKE, 50_000, 50_100)).toEqual([{ since: 50_000, stamp: null }, 'proven'])
  })

  test('is proven by another handshake', () => {
    const tried: Trial = { since: 50_000, stamp: 1_700 }
    expect(judgeTrial(tried, { stamp: 1_800, since: 60_000 }, 60_000, 60_100)).toEqual([tried, 'proven'])
  })

  test('has failed when none followed for 140 seconds, while the key still carries', () => {
    const tried: Trial = { since: 50_000, stamp: 1_700 }
    expect(judgeTrial(tried, seen, 159_000, 159_999)).toEqual([tried, 'waits'])
    expect(judgeTrial(tried, seen, 159_000, 160_000)).toEqual([tried, 'failed'])
  })
})
