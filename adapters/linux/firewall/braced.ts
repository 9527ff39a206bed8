import { contains } from '../../../net/prefix.ts'

/** A set of nft without a name. @param items not empty: nft takes no empty braces. */
export function braced(items: readonly string[]): string {
  return `{ ${items.join(', ')} }`
}

/** Removes overlaps: nft 1.0.6 merges overlapping prefixes in a set without a name, and refuses them in a named one. */
export function withoutContained(prefixes: readonly string[]): readonly string[] {
  const all = [...new Set(prefixes)]
  return all.filter((prefix) => all.every((other) => other === prefix || !contains(other, prefix)))
}
