import { isIPv4, isIPv6 } from 'node:net'
import { OUTSIDE } from '../../protocol/no-route.ts'
import { routeEnds } from '../../system/sockets/route-ends.ts'

/**
 * Why no visitor can come to this machine; null when they can. Services at home have IPv4 addresses, and the kernel
 * translates no packet of one family into the other (nft(8): dnat keeps the family), so visitors must come over IPv4.
 */
export async function whyNoVisitors(ends: typeof routeEnds = routeEnds): Promise<string | null> {
  if ((await ends(OUTSIDE.IPv4)) !== null) return null
  return 'this VPS has no IPv4, and visitors of published ports must come over IPv4, as the services at home do: nobody reaches them until it has an IPv4 address'
}

/**
 * What the hub's owner should know of the families of addresses that hub.yaml names and this machine has. A name counts as
 * both: what it resolves to elsewhere is not known here.
 */
export async function familyNotes(addresses: readonly string[], ends: typeof routeEnds = routeEnds): Promise<string[]> {
  const [has4, has6] = await Promise.all([OUTSIDE.IPv4, OUTSIDE.IPv6].map(async (one) => (await ends(one)) !== null))
  const all = (isOf: (text: string) => boolean): boolean => addresses.every(isOf)
  if (has6 === true && has4 === false)
    return ['this VPS has no IPv4: homes and phones whose line has no IPv6 cannot reach it, and it publishes no ports']
  if (has4 === true && all(isIPv6))
    return [
      'homes and phones whose line has no IPv6 cannot reach this hub: name its IPv4 address too (addresses in hub.yaml)',
    ]
  if (has6 === true && all(isIPv4))
    return [
      'homes and phones whose line has IPv6 only may not reach this hub: name its IPv6 address too (addresses in hub.yaml)',
    ]
  return []
}
