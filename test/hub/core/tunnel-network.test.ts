import * as fc from '../../properties.ts'
import { expect, test } from 'vitest'
import { hubAddressIn, hubInterfaceAddress, networkInForce, nextFreeAddress } from '../../../hub/core/tunnel-network.ts'
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

test('the network in force is hub.yaml’s, unless somebody has an address of another', () => {
  const document = {
    ...EMPTY_DOCUMENT,
    homes: [{ name: 'cabin', address: '10.90.0.2' } as Home],
    devices: [{ name: 'phone', address: '10.90.0.65' } as Device],
  }
  expect(networkInForce(EMPTY_DOCUMENT, '10.87.0.0/24', '10.86.0.0/16')).toBe('10.87.0.0/24')
  for (const network of ['10.90.0.0/24', '10.90.0.0/16', '10.90.0.0/25'])
    expect(networkInForce(document, network, null)).toBe(network)
  // hub.yaml was changed while no hub ran: the interface tells, or what was given out.
  expect(networkInForce(document, '10.87.0.0/24', '10.90.0.0/16')).toBe('10.90.0.0/16')
  expect(networkInForce(document, '10.90.0.64/26', '10.90.0.0/24')).toBe('10.90.0.0/24')
  expect(networkInForce(document, '10.87.0.0/24', null)).toBe('10.90.0.0/25')
  const usual = { ...document, homes: [{ name: 'cabin', address: '10.86.0.2' } as Home], devices: [] }
  expect(networkInForce(usual, '10.87.0.0/24', '10.88.0.0/24')).toBe('10.86.0.0/16')
  // Once it was changed, the store says it.
  expect(networkInForce({ ...document, network: '10.90.0.0/20' }, '10.90.0.0/24', '10.90.0.0/24')).toBe('10.90.0.0/20')
})

test('a network in which somebody has the hub’s own address is not the one in force', () => {
  const document = { ...EMPTY_DOCUMENT, homes: [{ name: 'cabin', address: '10.90.0.65' } as Home] }
  expect(networkInForce(document, '10.90.0.64/26', '10.90.0.0/24')).toBe('10.90.0.0/24')
})

test('where nobody says the network, it is the smallest that a hub could have for all, else hub.yaml’s', () => {
  const around = (...addresses: string[]) =>
    networkInForce(
      { ...EMPTY_DOCUMENT, homes: addresses.map((address) => ({ name: 'cabin', address }) as Home) },
      '10.87.0.0/24',
      null,
    )
  expect(around('10.90.0.2')).toBe('10.90.0.0/29')
  expect(around('10.1.0.2', '10.200.0.2')).toBe('10.0.0.0/8')
  expect(around('10.1.0.2', '11.1.0.2')).toBe('10.87.0.0/24')
})
