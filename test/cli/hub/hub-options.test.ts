import { expect, test } from 'vitest'
import { givenSettings } from '../../../cli/hub/hub-options.ts'

const many = (count: number, one: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, index) => one(index))

test('what hub.yaml could not be read with is refused before it is written', () => {
  const addresses = many(9, (index) => `203.0.113.${index + 1}`)
  expect(() => givenSettings({ address: addresses })).toThrow('9 are given, and 8 are the most. Leave out 1 of them.')
  expect(givenSettings({ address: addresses.slice(1) }).addresses).toHaveLength(8)
  const ports = many(17, (index) => String(4000 + index)).join(',')
  expect(() => givenSettings({ address: [], alternatePorts: ports })).toThrow('17 are given, and 16 are the most')
})
