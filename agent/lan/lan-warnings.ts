import { isIP } from 'node:net'
import { contains, isIn, overlaps } from '../../net/prefix.ts'
import type { AgentConfig } from '../settings/config.ts'
import { isLanCandidate, isPrivate, networkInTheWay } from './lan.ts'
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
    ...otherNumbers(lan, {
      known: [...here.connected, ...here.routed].map(({ prefix }) => prefix),
      candidates: here.connected.filter(isLanCandidate),
      whose: 'this machine’s',
    }),
  ]
}

/** A network that a router is on, or (interface null) has a route to. */
interface RouterNetwork {
  readonly interface: string | null
  readonly prefix: string
}

/** The same of a router that the tunnel ends on. Its bridges are LANs, whatever they are called. */
export function routerLanWarnings(lan: AgentConfig['lan'], networks: readonly RouterNetwork[]): readonly string[] {
  // Not the default route, nor what a VPN has beside it.
  const near = networks.filter(({ prefix }) => isPrivate(prefix))
  return otherNumbers(lan, {
    known: near.map(({ prefix }) => prefix),
    candidates: near.flatMap(({ interface: name, prefix }) => (name === null ? [] : [{ interface: name, prefix }])),
    whose: 'the router’s',
  })
}

interface Numbers {
  readonly known: readonly string[]
  readonly candidates: LocalNetworks['connected']
  readonly whose: string
}

function otherNumbers(
  { prefixes, auto }: AgentConfig['lan'],
  { known, candidates, whose }: Numbers,
): readonly string[] {
  const isHere = prefixes.some((prefix) => known.some((one) => overlaps(one, prefix)))
  if (prefixes.length === 0 || isHere || candidates.length === 0) return []
  const present = candidates.map((one) => `${one.prefix} (${one.interface})`).join(', ')
  const advice =
    auto === true
      ? 'It is followed as soon as it is clear which of them is the LAN'
      : `If the home has other numbers now, for instance after a change of its router: sudo homeward lan ${candidates.length === 1 ? (candidates[0]?.prefix ?? '') : 'CIDR'}; or let them be followed from now on: sudo homeward lan auto`
  return [
    `the LAN in agent.yaml, ${prefixes.join(', ')}, is none of ${whose} networks, which are ${present}. ${advice}`,
  ]
}

/**
 * What to ask about before a join: networks that the person named, and that this machine neither is in nor has a route
 * to. Most often a digit is wrong; behind another router they are right. Empty where nothing is known of this machine.
 */
export function unknownLan({ prefixes }: AgentConfig['lan'], here: LocalNetworks): readonly string[] {
  const known = [...here.connected, ...here.routed].map(({ prefix }) => prefix)
  const strange = prefixes.filter((prefix) => !known.some((one) => overlaps(one, prefix)))
  const candidates = here.connected.filter(isLanCandidate)
  if (strange.length === 0 || candidates.length === 0) return []
  const present = candidates.map((one) => `${one.prefix} (${one.interface})`).join(', ')
  return [
    `this machine is not in ${strange.join(' or ')}; it is in ${present}. That is right for a network behind another router; if it is a slip, answer no and pass another --lan`,
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

/** Whether the LAN to follow is the one of the router that the tunnel ends on; a name is followed by whoever gave it. */
export function isLanOf(router: AgentConfig['router'], prefix: string): boolean {
  return router.kind === 'linux' || isIP(router.host) === 0 || isIn(router.host, [prefix])
}
