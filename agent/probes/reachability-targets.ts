import { isIPv6 } from 'node:net'
import { REACHABILITY_TARGETS } from '../settings/config.ts'
import { parseEndpoint } from '../../wireguard/spec.ts'

/** The targets that agent.yaml named while those of IPv6 were not known; whoever has them chose nothing. */
const TARGETS_BEFORE = ['1.1.1.1:443', '9.9.9.9:443'].join()

/**
 * Targets that can tell a dead line from a dead hub: those of a family in which the hub was asked. The other family may
 * work while this one is dead, and its answer would accuse the hub; or this line may lack it, and its silence would
 * accuse the line.
 * @param configured literals with a TCP port.
 * @param hubLiterals the hub's addresses; none: they are not known yet, and every target counts.
 */
export function targetsFor(configured: readonly string[], hubLiterals: readonly string[]): readonly string[] {
  const targets = configured.join() === TARGETS_BEFORE ? REACHABILITY_TARGETS : configured
  if (hubLiterals.length === 0) return targets
  const families = new Set(hubLiterals.map(isIPv6))
  return targets.filter((target) => families.has(isIPv6(parseEndpoint(target)?.address ?? '')))
}
