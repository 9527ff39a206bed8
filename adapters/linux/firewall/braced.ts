import { parsePrefix, type Prefix } from '../../../net/prefix.ts'

/** A set of nft without a name. @param items not empty: nft takes no empty braces. */
export function braced(items: readonly string[]): string {
  return `{ ${items.join(', ')} }`
}

/**
 * Removes overlaps: nft 1.0.6 merges overlapping prefixes in a set without a name, and refuses them in a named one. A
 * hub with a thousand homes asks this for all of their networks.
 */
export function withoutContained(prefixes: readonly string[]): readonly string[] {
  const all = [...new Set(prefixes)]
  if (all.length < 2) return all
  const parsed = all.map(parsePrefix)
  const known = new Set(parsed.map((one) => (one === null ? '' : keyOf(one, one.length))))
  const lengths = [...new Set(parsed.map((one) => one?.length ?? 0))]
  return all.filter((_, index) => {
    const one = parsed[index]
    return one == null || !lengths.some((length) => length < one.length && known.has(keyOf(one, length)))
  })
}

/** The network of that length that holds the prefix. */
function keyOf({ bits, value }: Prefix, length: number): string {
  return `${bits} ${length} ${value >> BigInt(bits - length)}`
}

/** A port, or a range of them, as a match takes it. */
export function portsText(port: number, lastPort: number): string {
  return port === lastPort ? `${port}` : `${port}-${lastPort}`
}
