import * as fc from '../properties.ts'
import { expect, test } from 'vitest'
import { formatEndpoint, parseEndpoint, sameEndpoint } from '../../wireguard/spec.ts'

const endpoint = fc.record({
  address: fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('fe80::1%eth0', 'fe80::1%br-lan', 'fe80::1%eth0.100', '::ffff:192.0.2.1', '::'),
  ),
  port: fc.integer({ min: 1, max: 65_535 }),
})

test('an endpoint that is printed and read again is the same', () => {
  fc.assert(
    fc.property(endpoint, (one) => {
      expect(parseEndpoint(formatEndpoint(one))).toEqual(one)
    }),
  )
})

test('an IPv6 address is printed in brackets, as wg does', () => {
  expect(formatEndpoint({ address: '2001:db8::7', port: 4500 })).toBe('[2001:db8::7]:4500')
  expect(formatEndpoint({ address: '203.0.113.10', port: 51_820 })).toBe('203.0.113.10:51820')
})

test.each([
  '(none)',
  '',
  '203.0.113.10',
  '203.0.113.10:',
  '203.0.113.10:0',
  '203.0.113.10:65536',
  '2001:db8::7:4500',
  'vps.example.org:51820',
])('%j is no endpoint', (text) => expect(parseEndpoint(text)).toBeNull())

test('no text makes it throw, and no port is out of range', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.:[\]a-f]{1,20}:[0-9]{1,6}$/)), (text) => {
      const read = parseEndpoint(text)
      expect(read === null || (read.port >= 1 && read.port <= 65_535)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('two endpoints are the same when address and port are, and none is the same as none', () => {
  fc.assert(
    fc.property(fc.option(endpoint), fc.option(endpoint), (a, b) => {
      expect(sameEndpoint(a, b)).toBe(JSON.stringify(a) === JSON.stringify(b))
      expect(sameEndpoint(a, a === null ? null : { ...a })).toBe(true)
    }),
  )
})
