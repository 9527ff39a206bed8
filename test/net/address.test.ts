import { isIPv4, isIPv6 } from 'node:net'
import * as fc from '../properties.ts'
import { describe, expect, test } from 'vitest'
import { canonicalAddress, formatAddress, parseAddress } from '../../net/address.ts'
import { anyAddress } from './any-prefix.ts'

describe('an address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['::', '::'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['FE80::1%eth0', 'fe80::1%eth0'],
    ['vps.example.org', 'vps.example.org'],
    ['', ''],
  ])('%j is written %j', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical)
  })

  test.each(['192.0.2', '192.0.2.01', '192.0.2.256', '0xc0000201', '1', ' 192.0.2.1', '1::2::3', 'fe80::1%eth0', ''])(
    '%j is none',
    (text) => {
      expect(parseAddress(text)).toBeNull()
    },
  )

  test('of either family is the number that it was made of, in one spelling', () => {
    const anyNumber = fc.oneof(
      fc.record({ bits: fc.constant(32 as const), value: fc.bigInt(0n, 2n ** 32n - 1n) }),
      fc.record({ bits: fc.constant(128 as const), value: fc.bigInt(0n, 2n ** 128n - 1n) }),
    )
    fc.assert(
      fc.property(anyNumber, (address) => {
        const text = formatAddress(address)
        expect(address.bits === 32 ? isIPv4(text) : isIPv6(text)).toBe(true)
        expect(parseAddress(text)).toEqual(address)
        expect(canonicalAddress(text)).toBe(text)
      }),
    )
  })

  test('keeps its number whatever its spelling', () => {
    fc.assert(
      fc.property(anyAddress, (text) => {
        expect(parseAddress(canonicalAddress(text.toUpperCase()))).toEqual(parseAddress(text))
        expect(parseAddress(text)).not.toBeNull()
      }),
    )
  })
})
