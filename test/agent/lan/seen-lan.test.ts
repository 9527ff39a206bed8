import * as fc from '../../properties.ts'
import { expect, test } from 'vitest'
import {
  crowdedNotes,
  ownPrefixes,
  mappedAddress,
  mappedPrefix,
  mappedPrefixes,
} from '../../../agent/lan/mapped-lan.ts'
import { isIn } from '../../../net/prefix.ts'

const lan = { prefixes: ['192.168.1.0/24', '192.168.7.0/24'], seenAs: { '192.168.1.0/24': '10.168.1.0/24' } }

test('the hub is told the other numbers, and what it says comes back as the home’s own', () => {
  expect(mappedPrefixes(lan)).toEqual(['10.168.1.0/24', '192.168.7.0/24'])
  expect(ownPrefixes(mappedPrefixes(lan), lan.seenAs)).toEqual(lan.prefixes)
  expect(mappedPrefixes({ prefixes: ['192.168.1.0/24'] })).toEqual(['192.168.1.0/24'])
})

test('an address keeps its host’s part, and others stay', () => {
  expect(mappedAddress(lan, '192.168.1.50')).toBe('10.168.1.50')
  expect(mappedAddress(lan, '192.168.7.50')).toBe('192.168.7.50')
  expect(mappedAddress(lan, '10.86.0.2')).toBe('10.86.0.2')
  expect(mappedPrefix(lan, '192.168.1.2/32')).toBe('10.168.1.2/32')
  expect(mappedPrefix(lan, '192.168.1.0/24')).toBe('10.168.1.0/24')
})

test('whatever the length, each host has an address of its own in the other network', () => {
  fc.assert(
    fc.property(fc.integer({ min: 16, max: 30 }), fc.nat(0xffff), fc.nat(0xffff), (length, a, b) => {
      const size = 2 ** (32 - length)
      const own = { prefixes: [], seenAs: { [`172.20.0.0/${length}`]: `10.99.0.0/${length}` } }
      const address = (host: number): string => `172.20.${(host % size) >> 8}.${(host % size) & 255}`
      const [one, other] = [mappedAddress(own, address(a)), mappedAddress(own, address(b))]
      expect(isIn(one, [`10.99.0.0/${length}`])).toBe(true)
      expect(one === other).toBe(a % size === b % size)
    }),
  )
})

test('networks that everybody has are noted, with what to do; those that are known by others are not', () => {
  expect(crowdedNotes({ prefixes: ['192.168.1.0/24'] })).toEqual([
    expect.stringContaining('--lan 192.168.1.0/24=10.168.1.0/24') as string,
  ])
  expect(crowdedNotes({ prefixes: ['100.64.9.0/24'] })).toHaveLength(1)
  expect(crowdedNotes(lan)).toEqual([])
})
