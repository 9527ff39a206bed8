import * as fc from '../../properties.ts'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { findByHash, hashOf, sameHash, SecretHashSchema } from '../../../hub/core/secret.ts'

test('the hash of a secret is SHA-256 (FIPS 180-4) in hex, as the store reads it again', () => {
  expect(hashOf('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(v.is(SecretHashSchema, hashOf('abc'))).toBe(true)
  for (const text of ['', 'x'.repeat(64), 'ab'.repeat(31), 'ab'.repeat(33), 'AB'.repeat(32), ` ${'ab'.repeat(32)}`])
    expect(v.is(SecretHashSchema, text)).toBe(false)
})

test('two hashes are the same or not, wherever they differ', () => {
  const hash = hashOf('abc')
  expect(sameHash(hash, hashOf('abc'))).toBe(true)
  for (const at of [0, 31, 63]) {
    const other = hash.slice(0, at) + (hash[at] === '0' ? '1' : '0') + hash.slice(at + 1)
    expect(sameHash(hash, v.parse(SecretHashSchema, other))).toBe(false)
  }
})

test('what has a hash is found, wherever it stands; nothing else is', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 5 }), fc.string(), (secrets, asked) => {
      const found = findByHash(secrets, hashOf, hashOf(asked))
      expect(found).toBe(secrets.includes(asked) ? asked : null)
    }),
  )
  expect(findByHash(['a', 'b', 'c'], hashOf, hashOf('a'))).toBe('a')
  expect(findByHash(['a', 'b', 'c'], hashOf, hashOf('d'))).toBeNull()
})
