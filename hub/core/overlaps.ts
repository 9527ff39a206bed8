import { overlaps } from '../../net/prefix.ts'
import { freeMapping, otherTunnelNetwork, type Occupied } from './lan.ts'
import type { StoreDocument } from './store-document.ts'

/**
 * Warnings of networks of this machine that appeared after a home had theirs: a route of a cloud, another VPN, a
 * network of containers. Neither side is taken back by itself: nobody can know which of the two is needed. Pure.
 */
export function overlapWarnings(
  { homes, invites }: Pick<StoreDocument, 'homes' | 'invites'>,
  network: string,
  own: readonly Occupied[],
): readonly string[] {
  const taken = [...own.map(({ prefix }) => prefix), ...[...homes, ...invites].flatMap(({ lan }) => lan)]
  const clashOf = (prefix: string) => own.find((one) => overlaps(one.prefix, prefix))
  const tunnel = clashOf(network)
  return [
    ...(tunnel === undefined
      ? []
      : [
          `the tunnel’s network ${network} overlaps ${tunnel.prefix}, ${tunnel.by}: of addresses in both, only one of the two can be reached. ${otherTunnelNetwork(taken)}`,
        ]),
    ...homes.flatMap(({ name, lan }) =>
      lan.flatMap((prefix) => {
        const clash = clashOf(prefix)
        if (clash === undefined) return []
        const free = freeMapping(prefix, [network, ...taken])
        const advice =
          free === null
            ? 'Let that home name only the parts of its LAN that should be reachable'
            : `Let the hub know that LAN by other numbers: at ${name}, under lan in agent.yaml, seenAs: { ${prefix}: ${free} }`
        return [
          `the LAN ${prefix} of the home ${name} overlaps ${clash.prefix}, ${clash.by}: of addresses in both, this machine reaches only one of the two. ${advice}`,
        ]
      }),
    ),
  ]
}
