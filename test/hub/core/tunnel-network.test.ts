import * as fc from '../../properties.ts'
import { expect, test } from 'vitest'
import { hubAddressIn, hubInterfaceAddress, nextFreeAddress, refuseNetwork } from '../../../hub/core/tunnel-network.ts'
import { type Device, EMPTY_DOCUMENT, type Home } from '../../../hub/core/store-document.ts'
import { isIn } from '../../../net/prefix.ts'

test('the hub has the first address of the network', () => {
  expect(hubAddressIn('10.86.0.0/16')).toBe('10.86.0.1')
  expect(hubInterfaceAddress('192.168.200.128/29')).toBe('192.168.200.129/29')
})

test('addresses are given out lowest first, over the border of a byte too', () => {
  const taken = new Set(Array.from({ length: 254 }, (_, index) => `10.86.0.${index + 2}`))
  expect(nextFreeAddress('10.86.0.0/16', new Set(), 'x')).toBe('10.86.0.2')
  expect(nextFreeAddress('10.86.0.0/16', new Set(['10.86.0.2', '10.86.0.4']), 'x')).toBe('10.86.0.3')
  expect(nextFreeAddress('10.86.0.0/16', taken, 'x')).toBe('10.86.1.0')
})

test('every address given lies inside, is nobody else’s, and at the end the network is full', () => {
  fc.assert(
    fc.property(fc.integer({ min: 24, max: 29 }), (length) => {
      const network = `10.86.4.0/${length}`
      const taken = new Set<string>()
      const room = 2 ** (32 - length) - 3
      for (let count = 0; count < room; count += 1) {
        const address = nextFreeAddress(network, taken, 'x')
        expect(isIn(address, [network])).toBe(true)
        expect(taken.has(address) || address === hubAddressIn(network)).toBe(false)
        taken.add(address)
      }
      expect(() => nextFreeAddress(network, taken, 'adding one')).toThrow(
        expect.objectContaining({ code: 'network-full' }),
      )
    }),
    { numRuns: 12 },
  )
})

test('another network is refused when it takes somebody’s address, or the hub would get it', () => {
  const document = {
    ...EMPTY_DOCUMENT,
    homes: [{ name: 'cabin', address: '10.86.0.2' } as Home],
    devices: [{ name: 'phone', address: '10.86.0.65' } as Device],
  }
  const why = (next: string): string => {
    try {
      refuseNetwork(document, '10.86.0.0/24', next)
      return 'taken'
    } catch (thrown) {
      const { code, why } = thrown as { code: string; why: string }
      return `${code} ${why}`
    }
  }
  for (const next of ['10.86.0.0/24', '10.86.0.0/16', '10.86.0.0/25']) expect(why(next)).toBe('taken')
  expect(why('10.87.0.0/24')).toBe(
    'config-invalid network: cabin has 10.86.0.2 of 10.86.0.0/24, which 10.87.0.0/24 does not leave to it',
  )
  expect(why('10.86.0.0/26')).toContain('phone has 10.86.0.65')
  // Its first address would be the hub's.
  expect(why('10.86.0.64/26')).toContain('cabin has')
  expect(() => refuseNetwork({ ...document, homes: [] }, '10.86.0.0/24', '10.86.0.64/26')).toThrow(/phone/)
})
