import type { Clock } from '../../system/time/clock.ts'
import { sourceOf } from './source-groups.ts'

/** Homes come and go by the minute, and strangers by the millisecond. */
const FRESH_MS = 1_000

/**
 * Tells whether an address is one of a home's: the same IPv4 address, or the same /64.
 * @param addresses where homes are now.
 */
export function makeHomeSources(addresses: () => readonly string[], clock: Clock): (address: string) => boolean {
  let [known, knownAt]: [ReadonlySet<string>, number] = [new Set(), -Infinity]
  return (address) => {
    if (clock.now() - knownAt >= FRESH_MS) {
      known = new Set(addresses().map(sourceOf))
      knownAt = clock.now()
    }
    return known.has(sourceOf(address))
  }
}
