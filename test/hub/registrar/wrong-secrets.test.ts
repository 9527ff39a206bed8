import { expect, test } from 'vitest'
import { sourceOf } from '../../../hub/registrar/source-groups.ts'
import { makeWrongSecrets } from '../../../hub/registrar/wrong-secrets.ts'

test('twenty a minute are answered, more are limited, and a minute later it begins anew', () => {
  const wrong = makeWrongSecrets()
  for (let count = 1; count <= 20; count += 1) expect(wrong.count('198.51.100.7', 0)).toEqual({ count, tooMany: false })
  expect(wrong.count('198.51.100.7', 59_999)).toEqual({ count: 21, tooMany: true })
  expect(wrong.count('198.51.100.8', 59_999)).toEqual({ count: 1, tooMany: false })
  expect(wrong.count('198.51.100.7', 60_000)).toEqual({ count: 1, tooMany: false })
})

test('whoever has one IPv6 address has all of its /64; a mapped IPv4 address is that IPv4 address', () => {
  expect(sourceOf('2001:db8:1:2:3:4:5:6')).toBe(sourceOf('2001:db8:1:2::9'))
  expect(sourceOf('2001:db8:1:2::9')).not.toBe(sourceOf('2001:db8:1:3::9'))
  expect(sourceOf('::ffff:198.51.100.7')).toBe('198.51.100.7')
})

test('a hundred thousand sources do not make it grow: the oldest is forgotten', () => {
  const wrong = makeWrongSecrets()
  for (let count = 0; count < 25; count += 1) wrong.count('198.51.100.7', 0)
  expect(wrong.count('198.51.100.7', 0).tooMany).toBe(true)
  for (let number = 0; number < 100_000; number += 1)
    wrong.count(`10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`, 1)
  expect(wrong.count('198.51.100.7', 2)).toEqual({ count: 1, tooMany: false })
})
