import { formatAddress } from './address.ts'
import { parsePrefix } from './prefix.ts'

/** A range of IPv4 addresses, both ends in it. */
interface Range {
  readonly first: bigint
  readonly last: bigint
}

const END = 2n ** 32n

/**
 * All of IPv4 but some prefixes, as ranges `FIRST-LAST`, in order. For firewalls that take no list of what must not be.
 * @param prefixes IPv4 in CIDR; they may overlap. @throws {TypeError} for what is none.
 */
export function outside(prefixes: readonly string[]): readonly string[] {
  const taken = prefixes.map(rangeOf).sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  const free: Range[] = []
  let next = 0n
  for (const { first, last } of taken) {
    if (first > next) free.push({ first: next, last: first - 1n })
    if (last >= next) next = last + 1n
  }
  if (next < END) free.push({ first: next, last: END - 1n })
  return free.map(({ first, last }) => `${ipv4(first)}-${ipv4(last)}`)
}

function rangeOf(prefix: string): Range {
  const parsed = parsePrefix(prefix)
  if (parsed === null || parsed.bits !== 32) throw new TypeError(`no IPv4 prefix: ${prefix.slice(0, 50)}`)
  const hostBits = BigInt(32 - parsed.length)
  const first = (parsed.value >> hostBits) << hostBits
  return { first, last: first + 2n ** hostBits - 1n }
}

function ipv4(value: bigint): string {
  return formatAddress({ bits: 32, value })
}
