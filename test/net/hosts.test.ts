import * as fc from '../properties.ts'
import { describe, expect, test } from 'vitest'
import { canonicalAddress } from '../../net/address.ts'
import { hostsOf, movedTo, nthAddress } from '../../net/hosts.ts'
import { isIn } from '../../net/prefix.ts'
import { anyPrefix } from './any-prefix.ts'

describe('the addresses of a network', () => {
  test('are counted from its own, over the borders of bytes and words, and not beyond its end', () => {
    expect([0, 1, 255, 256].map((n) => nthAddress('10.86.0.0/16', n))).toEqual([
      '10.86.0.0',
      '10.86.0.1',
      '10.86.0.255',
      '10.86.1.0',
    ])
    expect(nthAddress('10.86.3.7/16', 1)).toBe('10.86.0.1')
    expect([1, 65_536].map((n) => nthAddress('2001:db8::/64', n))).toEqual(['2001:db8::1', '2001:db8::1:0'])
    expect(nthAddress('192.0.2.9/32', 0)).toBe('192.0.2.9')
    expect(() => nthAddress('192.0.2.8/30', 4)).toThrow(RangeError)
    expect(() => nthAddress('192.0.2.8/30', -1)).toThrow(RangeError)
    expect(() => nthAddress('192.0.2.8', 1)).toThrow(TypeError)
  })

  test('are hosts’ but for the first, and the last of IPv4', () => {
    expect([...hostsOf('192.0.2.8/29')].map((address) => address.split('.')[3])).toEqual([
      '9',
      '10',
      '11',
      '12',
      '13',
      '14',
    ])
    expect([...hostsOf('2001:db8::8/126')]).toEqual(['2001:db8::9', '2001:db8::a', '2001:db8::b'])
    expect([...hostsOf('192.0.2.9/32')]).toEqual([])
  })

  test('lie in it, each one another, in their order', () => {
    fc.assert(
      fc.property(anyPrefix, (prefix) => {
        const first: string[] = []
        for (const address of hostsOf(prefix)) if (first.push(address) === 20) break
        expect(first.every((address) => isIn(address, [prefix]))).toBe(true)
        expect(first).toEqual(first.map((_, index) => nthAddress(prefix, index + 1)))
        expect(new Set(first).size).toBe(first.length)
      }),
    )
  })
})

describe('an address that moves to another network', () => {
  test('keeps its host’s part', () => {
    expect(movedTo('10.168.1.0/24', '192.168.1.50')).toBe('10.168.1.50')
    expect(movedTo('10.168.0.0/16', '192.168.1.50')).toBe('10.168.1.50')
    expect(movedTo('2001:db8:1::/64', '2001:db8::7')).toBe('2001:db8:1::7')
    expect(() => movedTo('2001:db8:1::/64', '192.168.1.50')).toThrow(TypeError)
    expect(() => movedTo('10.168.1.0/24', 'vps.example.org')).toThrow(TypeError)
  })

  test('is in that network, and comes back from it to where it was', () => {
    fc.assert(
      fc.property(anyPrefix, anyPrefix, (there, here) => {
        fc.pre(there.includes(':') === here.includes(':'))
        const [address = '', length] = here.split('/')
        const target = `${there.split('/')[0]}/${length}`
        const moved = movedTo(target, address)
        expect(isIn(moved, [target])).toBe(true)
        expect(movedTo(here, moved)).toBe(canonicalAddress(address))
      }),
    )
  })
})
