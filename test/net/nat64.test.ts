import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nat64PrefixIn, throughNat64 } from '../../net/nat64.ts'

/** The table of RFC 6052, section 2.4, with ipv4only.arpa's address as a DNS64 with that prefix answers it. */
const TABLE = [
  ['2001:db8:c000:aa::', '2001:db8:c000:221::', 32],
  ['2001:db8:1c0:0:aa::', '2001:db8:1c0:2:21::', 40],
  ['2001:db8:122:c000:0:aa00::', '2001:db8:122:c000:2:2100::', 48],
  ['2001:db8:122:3c0:0:aa::', '2001:db8:122:3c0:0:221::', 56],
  ['2001:db8:122:344:c0:0:aa00:0', '2001:db8:122:344:c0:2:2100:0', 64],
  ['2001:db8:122:344::c000:aa', '2001:db8:122:344::c000:221', 96],
] as const

describe('an IPv4 address behind a NAT64', () => {
  test.each(TABLE)('a DNS64 that answers %s for ipv4only.arpa translates 192.0.2.33 to %s', (known, there, length) => {
    const prefix = nat64PrefixIn(known)
    expect(prefix?.length).toBe(length)
    expect(prefix === null ? null : throughNat64(prefix, '192.0.2.33')).toBe(there)
  })

  test('the well-known prefix, and the other one of the two addresses', () => {
    const prefix = nat64PrefixIn('64:ff9b::c000:ab')
    expect(prefix === null ? null : throughNat64(prefix, '203.0.113.10')).toBe('64:ff9b::cb00:710a')
  })

  test.each(['2001:db8::1', '192.0.0.170', 'ipv4only.arpa', '', '::'])('%s is not of a NAT64', (address) =>
    expect(nat64PrefixIn(address)).toBeNull(),
  )

  test('a prefix that was found by one address translates that address to itself', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TABLE.map(([known]) => known)), fc.ipV4(), (known, ipv4) => {
        const prefix = nat64PrefixIn(known)
        if (prefix === null) throw new TypeError('no prefix')
        expect(throughNat64(prefix, '192.0.0.170')).toBe(known)
        expect(throughNat64(prefix, ipv4)).not.toBe(ipv4 === '192.0.0.170' ? '' : known)
      }),
    )
  })
})
