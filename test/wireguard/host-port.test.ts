import * as fc from '../properties.ts'
import { describe, expect, test } from 'vitest'
import { hostField, hostPort, parseHostPort } from '../../wireguard/host-port.ts'

const port = fc.integer({ min: 1, max: 65_535 })
const zone = fc.constantFrom('eth0', 'br-lan', 'eth0.100', 'wlan_1', '7')
const literal6 = fc.oneof(fc.ipV6(), fc.constantFrom('::', '::1', '::ffff:192.0.2.1'))
const linkLocal = fc.tuple(literal6, zone).map(([address, link]) => `${address}%${link}`)
const host = fc.oneof(fc.ipV4(), fc.domain(), literal6, linkLocal)

describe('a host with its port', () => {
  test.each([
    ['2001:db8::1', '[2001:db8::1]:51820'],
    ['fe80::1%br-lan', '[fe80::1%br-lan]:51820'],
    ['203.0.113.10', '203.0.113.10:51820'],
    ['vps.example.org', 'vps.example.org:51820'],
  ])('%s is printed as %s', (host, text) => expect(hostPort(host, 51_820)).toBe(text))

  test('that is printed and read again is the same', () => {
    fc.assert(
      fc.property(host, port, (host, port) => {
        expect(parseHostPort(hostPort(host, port))).toEqual({ host, port })
      }),
    )
  })

  test('is in a Host field what a URL takes, and never has a zone', () => {
    expect(hostField('fe80::1%eth0', 443)).toBe('[fe80::1]:443')
    expect(hostField('2001:DB8:0:0::1', 443)).toBe('[2001:db8::1]:443')
    fc.assert(
      fc.property(host, port, (host, port) => {
        const field = hostField(host, port)
        expect(field).not.toContain('%')
        expect(new URL(`http://${field}/`).hostname).toBe(field.slice(0, field.lastIndexOf(':')).toLowerCase())
      }),
    )
  })

  test.each([
    '',
    ':80',
    'vps.example.org',
    'vps.example.org:',
    'vps.example.org:0',
    'vps.example.org:65536',
    '2001:db8::7:4500',
    '[2001:db8::7]',
    '[203.0.113.10]:80',
    '[fe80::1%]:80',
    '[fe80::1%eth0\u001b[2J]:80',
    'a b:80',
  ])('is not what %j is', (text) => expect(parseHostPort(text)).toBeNull())
})
