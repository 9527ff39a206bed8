import { summarised } from '../net/summarise.ts'
import { Problem } from '../problems/problem.ts'

/** How many prefixes a hub takes as the LAN of one home: each is a route there, and a line in every device's file. */
export const MOST_LAN_PREFIXES = 32

/**
 * Refuses a LAN of too many prefixes, and offers fewer that hold the same addresses where there are.
 * @throws {Problem} `lan-too-many`.
 */
export function refuseTooManyPrefixes(prefixes: readonly string[], what: string): void {
  if (prefixes.length <= MOST_LAN_PREFIXES) return
  const fewer = summarised(prefixes)
  const offer = fewer.length <= MOST_LAN_PREFIXES ? `; the same addresses are ${fewer.join(', ')}` : ''
  throw new Problem('lan-too-many', {
    what,
    why: `${prefixes.length} networks are named, and ${MOST_LAN_PREFIXES} are the most that a home can have${offer}`,
  })
}
