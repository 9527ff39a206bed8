import { isIn, networkOf } from '../../net/prefix.ts'
import type { Refusal } from '../observation.ts'
import type { TunnelSpec } from '../spec.ts'

/**
 * Refusals of what no router supports, whatever its kind, and of what would cut the router off.
 * @param host the router's address as it is reached.
 */
export function refusedByEveryRouter({ address, routes, peers }: TunnelSpec, host: string): readonly Refusal[] {
  const led = [networkOf(address), ...routes.map(({ prefix }) => prefix)]
  const refused: readonly (Refusal & { readonly isSo: boolean })[] = [
    {
      isSo: isIn(host, led),
      code: 'router-through-tunnel',
      why: `the router's address ${host} lies in a network that would be led into the tunnel`,
    },
    {
      isSo: peers.some((peer) => peer.presharedKeyId !== null),
      code: 'router-unsupported',
      why: 'a router is given no preshared keys',
    },
  ]
  return refused.filter(({ isSo }) => isSo).map(({ code, why }) => ({ code, why }))
}
