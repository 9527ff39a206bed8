import { contains, overlaps } from '../../net/prefix.ts'
import type { AgentConfig } from '../settings/config.ts'
import { isLanCandidate, networkInTheWay } from './lan.ts'
import type { LocalNetworks, OwnNetworks } from './local-networks.ts'

/**
 * What of agent.yaml does not fit the networks of the machine that the tunnel ends on: a sentence each. Pure. A single
 * configured network that is not here is no news: it may be behind another router. When none of them is here, and others
 * are, the home has other numbers than it had.
 */
export function lanWarnings(lan: AgentConfig['lan'], network: string, here: LocalNetworks): readonly string[] {
  const inTheWay = networkInTheWay(network, here)
  return [
    ...(inTheWay === null
      ? []
      : [
          `the tunnel’s network ${network} overlaps ${inTheWay}: of addresses in both, only one of the two can be reached. Give the tunnel another network on the hub: sudo homeward hub init --network CIDR (homes follow by themselves)`,
        ]),
    ...otherNumbers(lan, here),
  ]
}

function otherNumbers({ prefixes, auto }: AgentConfig['lan'], here: LocalNetworks): readonly string[] {
  const known = [...here.connected, ...here.routed].map(({ prefix }) => prefix)
  const candidates = here.connected.filter(isLanCandidate)
  const isHere = prefixes.some((prefix) => known.some((one) => overlaps(one, prefix)))
  if (prefixes.length === 0 || isHere || candidates.length === 0) return []
  const present = candidates.map((one) => `${one.prefix} (${one.interface})`).join(', ')
  const advice =
    auto === true
      ? 'It is followed as soon as it is clear which of them is the LAN'
      : `If the home has other numbers now, for instance after a change of its router: sudo homeward lan ${candidates.length === 1 ? (candidates[0]?.prefix ?? '') : 'CIDR'}; or let them be followed from now on: sudo homeward lan auto`
  return [
    `the LAN in agent.yaml, ${prefixes.join(', ')}, is none of this machine’s networks, which are ${present}. ${advice}`,
  ]
}

/** The LAN to follow, with `auto`: where it is clear which it is, and the tunnel does not need its numbers itself. */
export function followedLan(network: string, { connected, defaultInterface }: OwnNetworks): string | null {
  const candidates = connected.filter(isLanCandidate)
  const behindDefault = candidates.filter((one) => one.interface === defaultInterface)
  const [only, ...others] = behindDefault.length > 0 ? behindDefault : candidates
  if (only === undefined || others.some(({ prefix }) => !contains(only.prefix, prefix))) return null
  return overlaps(only.prefix, network) ? null : only.prefix
}
