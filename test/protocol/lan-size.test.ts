import { expect, test } from 'vitest'
import { refuseTooManyPrefixes } from '../../protocol/lan-size.ts'

const every = (step: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `10.${(index * step) >> 8}.${(index * step) & 255}.0/24`)

test('32 networks are a LAN, 33 are too many, and how many is said with the limit', () => {
  expect(() => refuseTooManyPrefixes(every(2, 32), 'joining')).not.toThrow()
  expect(() => refuseTooManyPrefixes(every(2, 33), 'joining')).toThrow(
    expect.objectContaining({
      code: 'lan-too-many',
      why: '33 networks are named, and 32 are the most that a home can have',
    }),
  )
})

test('where fewer prefixes hold the same addresses they are offered', () => {
  expect(() => refuseTooManyPrefixes(every(1, 40), 'joining')).toThrow(
    '40 networks are named, and 32 are the most that a home can have; the same addresses are 10.0.0.0/19, 10.0.32.0/21.',
  )
})
