import * as fc from '../../../properties.ts'
import { describe, expect, test } from 'vitest'
import { booleanIn, secondsIn } from '../../../../adapters/mikrotik/api/values.ts'

describe('a duration', () => {
  const spellings: readonly (readonly [string | undefined, number | null])[] = [
    [undefined, null],
    ['', null],
    ['never', null],
    ['0s', 0],
    ['14s', 14],
    ['1m5s', 65],
    ['1d3h12m46s', 97_966],
    ['2w1d27m21s', 1_297_641],
    ['00:00:25', 25],
    ['2d00:01:18', 172_878],
    ['2d 00:01:18', 172_878],
    ['1w2d03:04:05', 788_645],
    ['500ms', 0.5],
    ['12ms345us', 0.012345],
    ['1.5s', 1.5],
    ['25', 25],
    ['18h12m15s', 65_535],
  ]
  for (const [text, seconds] of spellings)
    test(`${text ?? 'that is absent'} is ${seconds === null ? 'never' : `${seconds} s`}`, () => {
      const found = secondsIn(text)
      if (seconds === null) expect(found).toBeNull()
      else expect(found).toBeCloseTo(seconds, 9)
    })

  test('of any length is the same in units and with a clock', () => {
    const parts = fc.record({ w: fc.nat(500), d: fc.nat(6), h: fc.nat(23), m: fc.nat(59), s: fc.nat(59) })
    fc.assert(
      fc.property(parts, ({ w, d, h, m, s }) => {
        const seconds = (((w * 7 + d) * 24 + h) * 60 + m) * 60 + s
        const inUnits = [w && `${w}w`, d && `${d}d`, h && `${h}h`, m && `${m}m`, s && `${s}s`].filter(Boolean).join('')
        const clock = [h, m, s].map((part) => String(part).padStart(2, '0')).join(':')
        expect(secondsIn(inUnits) ?? 0).toBe(seconds)
        expect(secondsIn(`${w}w${d}d${clock}`)).toBe(seconds)
      }),
    )
  })

  test('is never read out of what is none', () => {
    for (const text of ['yesterday', '1x', '12:3', '-5s', '5s now', 'm', '1:2:3:4'])
      expect(() => secondsIn(text)).toThrow(text)
    fc.assert(
      fc.property(fc.string(), (text) => {
        let seconds: number | null = 0
        try {
          seconds = secondsIn(text)
        } catch {
          return
        }
        expect(seconds === null || seconds >= 0).toBe(true)
      }),
    )
  })
})

test('a truth is spelled in two ways', () => {
  expect(['true', 'yes', 'false', 'no'].map(booleanIn)).toEqual([true, true, false, false])
  expect(() => booleanIn('maybe')).toThrow('maybe')
})
