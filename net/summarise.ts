import { formatAddress } from './address.ts'
import { contains, parsePrefix, type Prefix } from './prefix.ts'

/**
 * The shortest list of prefixes that holds the same addresses: one that lies in another goes, two halves of a larger one
 * become that (RFC 4632, section 5.1). Sorted by address.
 */
export function summarised(prefixes: readonly string[]): readonly string[] {
  let list = [...new Set(prefixes)].flatMap((text) => parsePrefix(text) ?? []).sort(byAddress)
  for (;;) {
    const next = mergedOnce(list.filter((one) => !list.some((other) => other !== one && holds(other, one))))
    if (next.length === list.length) return next.map(textOf)
    list = next
  }
}

function mergedOnce(list: Prefix[]): Prefix[] {
  const merged: Prefix[] = []
  for (const one of list) {
    const last = merged.at(-1)
    if (last !== undefined && areHalves(last, one)) merged[merged.length - 1] = { ...last, length: last.length - 1 }
    else merged.push(one)
  }
  return merged
}

/** Whether they are the lower and the upper half of one prefix. */
function areHalves(lower: Prefix, upper: Prefix): boolean {
  const size = 1n << BigInt(lower.bits - lower.length)
  return (
    lower.bits === upper.bits &&
    lower.length === upper.length &&
    lower.length > 1 &&
    lower.value % (size * 2n) === 0n &&
    upper.value === lower.value + size
  )
}

function holds(outer: Prefix, inner: Prefix): boolean {
  return contains(textOf(outer), textOf(inner))
}

function textOf(prefix: Prefix): string {
  return `${formatAddress(prefix)}/${prefix.length}`
}

function byAddress(a: Prefix, b: Prefix): number {
  return a.bits - b.bits || (a.value < b.value ? -1 : a.value > b.value ? 1 : a.length - b.length)
}
