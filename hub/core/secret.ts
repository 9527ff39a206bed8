import { createHash, timingSafeEqual } from 'node:crypto'
import * as v from 'valibot'

/**
 * SHA-256 of a secret, 64 hex digits: all that the hub keeps of join secrets and homes' secrets. Those have 256 random
 * bits, so that a plain hash is enough; a slow one is for what people make up.
 */
export type SecretHash = string & { readonly __brand: 'SecretHash' }

export const SecretHashSchema = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits'),
  v.transform((text) => text as SecretHash),
)

export function hashOf(secret: string): SecretHash {
  return createHash('sha256').update(secret).digest('hex') as SecretHash
}

/** Compares two hashes in the same time whether they differ early, late or not at all. */
export function sameHash(a: SecretHash, b: SecretHash): boolean {
  return timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'))
}

/** Finds an item by its hash, looking at every candidate, so that the time tells nothing about which one it was. */
export function findByHash<Item>(
  items: readonly Item[],
  hashIn: (item: Item) => SecretHash,
  hash: SecretHash,
): Item | null {
  let found: Item | null = null
  for (const item of items) if (sameHash(hashIn(item), hash)) found = item
  return found
}
