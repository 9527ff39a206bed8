import { firstForwarded } from '../core/forwarded-ports.ts'
import type { Publication, Withheld } from '../../protocol/publications.ts'

/**
 * The ports of the hub to open for one check: of a single port that one, of a range one that answered before, else its
 * first, and one by lot. Empty: all of it is withheld. @param random from 0 to below 1.
 */
export function portsToTry(
  publication: Publication,
  withheld: readonly Withheld[],
  answeredPort: number | null,
  random: number,
): readonly number[] {
  const { port, lastPort } = publication
  const first = firstForwarded(publication, withheld)
  if (first === null) return []
  const isLed = (one: number): boolean =>
    one >= port && one <= lastPort && !withheld.some((range) => range.port <= one && one <= range.lastPort)
  const known = answeredPort !== null && isLed(answeredPort) ? answeredPort : first
  const byLot = first + Math.floor(random * (lastPort - first + 1))
  return [...new Set([known, isLed(byLot) ? byLot : first])]
}
