import { expect, test } from 'vitest'
import { portsToTry } from '../../../hub/proving/sample.ts'
import * as fc from '../../properties.ts'
import { publication } from './given.ts'

const range = publication(20_001, { lastPort: 50_000, targetPort: 20_001 })
const kept = (port: number, lastPort: number) =>
  ({ protocol: 'tcp', port, lastPort, code: 'port-taken', why: '' }) as const

test('a single port is tried once', () => {
  expect(portsToTry(publication(443), [], 443, 0.99)).toEqual([443])
})

test('of a range the one that answered, and one by lot; without one the first', () => {
  expect(portsToTry(range, [], 30_000, 0.5)).toEqual([30_000, 35_001])
  expect(portsToTry(range, [], null, 0)).toEqual([20_001])
  expect(portsToTry(range, [], null, 0.99999)).toEqual([20_001, 50_000])
})

test('never what is withheld, nor what is of another publication', () => {
  expect(portsToTry(range, [kept(20_001, 20_010)], 20_005, 0)).toEqual([20_011])
  expect(portsToTry(range, [kept(35_000, 35_100)], 443, 0.5)).toEqual([20_001])
  expect(portsToTry(range, [kept(20_001, 50_000)], null, 0.5)).toEqual([])
})

test('two at most, each of the range', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.integer(), (random, answered) => {
      const ports = portsToTry(range, [], answered, random)
      expect(ports.length).toBeLessThanOrEqual(2)
      for (const port of ports) expect(port >= 20_001 && port <= 50_000).toBe(true)
    }),
  )
})
