import { describe, expect, test } from 'vitest'
import { ipv4Prefix, isHost } from '../../protocol/addresses.ts'

describe('an IPv4 prefix', () => {
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
    expect(ipv4Prefix(text)).toBe(canonical)
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
