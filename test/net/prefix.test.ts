import { BlockList, isIPv6 } from 'node:net'
import * as fc from '../properties.ts'
import { describe, expect, test } from 'vitest'
import { canonicalPrefix, contains, isIn, networkOf, overlaps, parsePrefix, prefixLength } from '../../net/prefix.ts'
import { anyAddress, anyPrefix } from './any-prefix.ts'

/** Whether Node finds the address in the prefix. */
function nodeFinds(prefix: string, address: string): boolean {
  const [network = '', length] = prefix.split('/')
  const list = new BlockList()
  list.addSubnet(network, Number(length), familyOf(network))
  return familyOf(address) === familyOf(network) && list.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}

/** Of the same family mostly, and the bits before the length the same half the time. */
const prefixAndAddress = fc.oneof(
  fc.tuple(anyPrefix, anyAddress),
  fc.tuple(anyAddress, fc.integer({ min: 0, max: 128 })).map(([address, length]) => {
    const most = isIPv6(address) ? 128 : 32
    return [`${address}/${Math.min(length, most)}`, address] as [string, string]
  }),
)

describe('a prefix', () => {
  test.each([
    ['192.168.1.7/24', '192.168.1.0/24'],
    ['10.86.255.255/16', '10.86.0.0/16'],
    ['203.0.113.9/32', '203.0.113.9/32'],
    ['203.0.113.9/0', '0.0.0.0/0'],
    ['2001:DB8:0:1::7/64', '2001:db8:0:1::/64'],
    ['2001:db8::7/128', '2001:db8::7/128'],
    ['2001:db8::7/31', '2001:db8::/31'],
    ['::1/0', '::/0'],
    ['192.168.1.0/024', null],
    ['192.168.1.0', null],
    ['192.168.1.0/', null],
    ['192.168.1.0/33', null],
    ['2001:db8::/129', null],
    ['2001:db8::/064', null],
    ['fe80::1%eth0/64', null],
    ['192.168.1/24', null],
    ['192.168.1.0/24/1', null],
    ['192.168.1.0/-1', null],
    ['192.168.1.0/24; rm -rf /', null],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalPrefix(text)).toBe(canonical)
  })

  test('in canonical form stays what it is, has the same length, and holds what it was made of', () => {
    fc.assert(
      fc.property(anyPrefix, (text) => {
        const canonical = networkOf(text)
        expect(canonicalPrefix(canonical)).toBe(canonical)
        expect(prefixLength(canonical)).toBe(prefixLength(text))
        expect(contains(canonical, text) && contains(text, canonical)).toBe(true)
        expect(isIn(text.split('/')[0] ?? '', [canonical])).toBe(true)
      }),
    )
  })

  test('that is none is said so where one must be', () => {
    expect(() => networkOf('192.168.1.1')).toThrow(TypeError)
    expect(() => prefixLength('vps.example.org')).toThrow(TypeError)
  })
})

describe('what a prefix holds', () => {
  test('is, address by address, what Node says that it holds', () => {
    fc.assert(
      fc.property(prefixAndAddress, ([prefix, address]) => {
        expect(isIn(address, [prefix])).toBe(nodeFinds(prefix, address))
      }),
    )
  })

  test('is another prefix where the first and the last address of that are in it', () => {
    fc.assert(
      fc.property(anyPrefix, anyPrefix, (outer, inner) => {
        const ends = endsOf(inner)
        const isShorter = prefixLength(outer) <= prefixLength(inner)
        expect(contains(outer, inner)).toBe(isShorter && ends.every((end) => isIn(end, [outer])))
      }),
    )
    expect(contains('192.168.0.0/16', '192.168.1.0/24')).toBe(true)
    expect(contains('192.168.1.0/24', '192.168.0.0/16')).toBe(false)
    expect(contains('2001:db8::/32', '2001:db8:ffff::/48')).toBe(true)
    expect(contains('::/0', '10.0.0.0/8')).toBe(false)
    expect(contains('10.0.0.0/8', 'vps.example.org/32')).toBe(false)
  })

  test('overlaps another the same way round and the other, and only where an end of one lies in the other', () => {
    fc.assert(
      fc.property(anyPrefix, anyPrefix, (a, b) => {
        const meet = endsOf(a).some((end) => isIn(end, [b])) || endsOf(b).some((end) => isIn(end, [a]))
        expect([overlaps(a, b), overlaps(b, a)]).toEqual([meet, meet])
      }),
    )
    expect(overlaps('192.168.0.0/24', '192.168.1.0/24')).toBe(false)
    expect(overlaps('192.168.0.0/23', '192.168.1.0/24')).toBe(true)
  })

  test('is found in any of several; a host name lies in none', () => {
    expect(isIn('10.1.2.3', ['192.168.1.0/24', '10.0.0.0/8'])).toBe(true)
    expect(isIn('2001:db8::1', ['10.0.0.0/8', '2001:db8::/32'])).toBe(true)
    expect(isIn('10.1.2.3', [])).toBe(false)
    expect(isIn('vps.example.org', ['0.0.0.0/0', '::/0'])).toBe(false)
  })
})

/** First and last address of a prefix, by their bits as text. */
function endsOf(prefix: string): readonly [string, string] {
  const parsed = parsePrefix(prefix)
  if (parsed === null) throw new TypeError(prefix)
  const network = parsed.value.toString(2).padStart(parsed.bits, '0').slice(0, parsed.length)
  return [textOf(network.padEnd(parsed.bits, '0')), textOf(network.padEnd(parsed.bits, '1'))]
}

function textOf(bits: string): string {
  if (bits.length === 32) return (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)).join('.')
  return (bits.match(/.{16}/g) ?? []).map((word) => Number.parseInt(word, 2).toString(16)).join(':')
}
