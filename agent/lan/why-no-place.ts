import { contains, isIn, overlaps } from '../../net/prefix.ts'
import { isPrivate, networkInTheWay, whyNoTunnelNetwork } from './lan.ts'
import type { LocalNetworks } from './local-networks.ts'
import type { TunnelConfig } from '../settings/config.ts'
import type { Place } from '../settings/place.ts'

/** The carriers' own numbers are nobody's on the internet (RFC 6598). */
const CARRIERS = '100.64.0.0/10'

/**
 * Why a place in the tunnel that the hub gives cannot be this home's; null: it can. The tunnel's network is a route of this
 * machine: whoever took the hub over could else lead the internet, or the LAN's own packets, to himself. A wider network
 * than one of this machine's draws nothing of that, and is only warned of (lan-warnings.ts). Pure.
 */
export function whyNoPlace(
  { address, network, hubAddress }: Place,
  { hub, lan }: Pick<TunnelConfig, 'hub' | 'lan'>,
  { connected, routed }: Pick<LocalNetworks, 'connected' | 'routed'>,
): string | null {
  const unfit = whyNoTunnelNetwork(network)
  if (unfit !== null) return unfit
  if (![CARRIERS, hub.network].some((range) => contains(range, network)) && !isPrivate(network))
    return `${network} is not private`
  if (address === hubAddress || ![address, hubAddress].every((one) => isIn(one, [network])))
    return `${address} and the hub’s ${hubAddress} are not two addresses in ${network}`
  const ofLan = lan.prefixes.find((prefix) => overlaps(prefix, network))
  if (ofLan !== undefined) return `${network} overlaps ${ofLan} of the LAN`
  const drawn = <Network extends { readonly prefix: string }>(networks: readonly Network[]): readonly Network[] =>
    networks.filter(({ prefix }) => contains(prefix, network))
  const inTheWay = networkInTheWay(network, { connected: drawn(connected), routed: drawn(routed) })
  return inTheWay === null ? null : `${network} is part of ${inTheWay}`
}
