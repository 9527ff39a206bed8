import * as fc from '../properties.ts'
import { expect, test } from 'vitest'
import { isIn } from '../../net/prefix.ts'
import { summarised } from '../../net/summarise.ts'

test.each([
  [['192.168.1.0/24', '192.168.0.0/24'], ['192.168.0.0/23']],
  [
    ['192.168.1.0/24', '192.168.2.0/24'],
    ['192.168.1.0/24', '192.168.2.0/24'],
  ],
  [['10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24'], ['10.0.0.0/8']],
  [['10.0.0.0/24', '10.0.0.0/24'], ['10.0.0.0/24']],
  [Array.from({ length: 33 }, (_, index) => `10.0.${index}.0/24`), ['10.0.0.0/19', '10.0.32.0/24']],
  [['bananas', '10.0.0.0/24'], ['10.0.0.0/24']],
  [[], []],
])('%j is %j', (prefixes, fewer) => {
  expect(summarised(prefixes)).toEqual(fewer)
})

test('the same addresses are in it, and no others', () => {
  const prefix = fc
    .record({ third: fc.integer({ min: 0, max: 7 }), length: fc.integer({ min: 22, max: 26 }) })
    .map(({ third, length }) => `10.0.${length < 24 ? third & (length === 22 ? 4 : 6) : third}.0/${length}`)
  const address = fc.integer({ min: 0, max: 2047 }).map((n) => `10.0.${n >> 8}.${n & 255}`)
  fc.assert(
    fc.property(fc.array(prefix, { maxLength: 8 }), address, (prefixes, one) => {
      const fewer = summarised(prefixes)
      expect(fewer.length).toBeLessThanOrEqual(prefixes.length)
      expect(isIn(one, fewer)).toBe(isIn(one, prefixes))
    }),
  )
})
