import { describe, expect, test } from 'vitest'
import { longestGap, parseAnswers } from '../../../bench/recovery/answers.ts'

const arriving = (...times: readonly number[]) =>
  times.map((receivedAt) => ({ from: '10.86.0.2', sentAt: receivedAt - 0.01, receivedAt }))

describe('parsing what the pinger prints', () => {
  test('each whole line is an answer, anything else is passed over', () => {
    const text = '10.86.0.2 100.100000 100.112500\nperl: warning\n10.99.0.2 100.2 100.3\n10.86.0.2 100.2'
    expect(parseAnswers(text)).toEqual([
      { from: '10.86.0.2', sentAt: 100.1, receivedAt: 100.1125 },
      { from: '10.99.0.2', sentAt: 100.2, receivedAt: 100.3 },
    ])
  })

  test('a line that is not whole yet is no answer, even if it reads like one', () => {
    expect(parseAnswers('10.86.0.2 100.1 100.1')).toEqual([])
  })
})

describe('the longest gap of a stream', () => {
  test('is counted from the last answer before the fault', () => {
    expect(longestGap(arriving(9.8, 9.9, 12.4, 12.5), 10)).toBeCloseTo(2.5)
  })

  test('before the fault does not count', () => {
    expect(longestGap(arriving(1, 9.9, 10.1, 10.2), 10)).toBeCloseTo(0.2)
  })

  test('may be the second one after the fault', () => {
    expect(longestGap(arriving(9.9, 10.5, 13.5), 10)).toBeCloseTo(3)
  })

  test('is counted from the fault where nothing came before', () => {
    expect(longestGap(arriving(11, 11.1), 10)).toBeCloseTo(1)
  })

  test('has no end when nothing came after the fault', () => {
    expect(longestGap(arriving(9.9), 10)).toBe(Infinity)
    expect(longestGap([], 10)).toBe(Infinity)
  })
})
