import * as fc from '../properties.ts'
import { expect, test } from 'vitest'
import { parseAddress } from '../../net/address.ts'
import { outside } from '../../net/outside.ts'
import { isIn } from '../../net/prefix.ts'

test.each([
  [[], ['0.0.0.0-255.255.255.255']],
  [['0.0.0.0/0'], []],
  [['0.0.0.0/1'], ['128.0.0.0-255.255.255.255']],
  [['128.0.0.0/1'], ['0.0.0.0-127.255.255.255']],
  [
    ['10.0.0.7/8', '10.1.0.0/16', '11.0.0.0/8'],
    ['0.0.0.0-9.255.255.255', '12.0.0.0-255.255.255.255'],
  ],
  [['192.0.2.1/32'], ['0.0.0.0-192.0.2.0', '192.0.2.2-255.255.255.255']],
])('all but %j is %j', (prefixes, ranges) => {
  expect(outside(prefixes)).toEqual(ranges)
})

test('an address is in one of the ranges, or in one of the prefixes', () => {
  const prefix = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([address, length]) => `${address}/${length}`)
  const value = (address = ''): bigint => parseAddress(address)?.value ?? -1n
  fc.assert(
    fc.property(fc.array(prefix, { maxLength: 6 }), fc.ipV4(), (prefixes, other) => {
      for (const address of [other, ...prefixes.map((one) => one.split('/')[0] ?? '')]) {
        const ranges = outside(prefixes).filter((range) => {
          const [first, last] = range.split('-')
          return value(first) <= value(address) && value(address) <= value(last)
        })
        expect(ranges).toHaveLength(isIn(address, prefixes) ? 0 : 1)
      }
    }),
  )
})

test.each(['2001:db8::/32', 'bananas', '10.0.0.0'])('%s is refused', (text) => {
  expect(() => outside([text])).toThrow(TypeError)
})
