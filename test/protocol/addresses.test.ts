import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalPrefix, isHost, prefixContains, prefixesOverlap } from '../../protocol/addresses.ts'

describe('a prefix', () => {
  test.each([
    ['192.168.1.7/24', '192.168.1.0/24'],
    ['10.86.255.255/16', '10.86.0.0/16'],
    ['203.0.113.9/32', '203.0.113.9/32'],
    ['192.168.1.0/024', null],
    ['192.168.1.0', null],
    ['192.168.1.0/33', null],
    ['0.0.0.0/0', null],
    ['192.168.1/24', null],
    ['2001:db8::/64', null],
    ['192.168.1.0/24/1', null],
    ['192.168.1.0/24; rm -rf /', null],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalPrefix(text)).toBe(canonical)
  })

  const prefix = fc
    .tuple(fc.ipV4(), fc.integer({ min: 1, max: 32 }))
    .map(([address, length]) => canonicalPrefix(`${address}/${length}`) ?? '')

  test('in canonical form stays what it is, and overlaps itself', () => {
    fc.assert(
      fc.property(prefix, (text) => {
        expect(canonicalPrefix(text)).toBe(text)
        expect(prefixesOverlap(text, text)).toBe(true)
        expect(prefixContains(text, text.split('/')[0] ?? '')).toBe(true)
      }),
    )
  })

  test('overlaps another the same way round and the other', () => {
    fc.assert(fc.property(prefix, prefix, (a, b) => prefixesOverlap(a, b) === prefixesOverlap(b, a)))
    expect(prefixesOverlap('192.168.0.0/16', '192.168.1.0/24')).toBe(true)
    expect(prefixesOverlap('192.168.0.0/24', '192.168.1.0/24')).toBe(false)
  })
})

test.each([
  ['vps.example.org', true],
  ['hub', true],
  ['203.0.113.10', true],
  ['2001:db8::1', true],
  ['203.0.113.300', false],
  ['-x.example.org', false],
  ['a b', false],
  ['$(reboot)', false],
  ['../etc/passwd', false],
  ['', false],
])('the host %j is taken: %s', (text, taken) => {
  expect(isHost(text)).toBe(taken)
})
