import { isIPv4 } from 'node:net'
import { within } from '../../system/time/within.ts'
import type { Evidence } from './evidence.ts'
import { greetingsOf } from './greetings.ts'
import { listenForRouters } from './listen.ts'
import { type FoundRouter, routersIn } from './routers.ts'

/** A MikroTik that is asked answers at once; mDNS within a random delay of 20 to 120 ms (RFC 6762, 6). */
const LISTEN_MS = 2_000
/** Neighbours beside the gateway whose doors are tried. */
const MOST_NEIGHBOURS = 8

/**
 * Looks for routers that a tunnel can end on: those who tell of themselves in this machine's networks, and the gateway. Takes
 * three to four seconds; asks with packets that change nothing, and logs in nowhere. Never throws.
 * @param gateway the default route's; null: none, or one that has no address.
 * @param own this machine's IPv4 addresses in home networks.
 */
export async function findRouters(
  { gateway, own }: { readonly gateway: string | null; readonly own: readonly string[] },
  signal: AbortSignal,
): Promise<readonly FoundRouter[]> {
  const [told, ofGateway] = await Promise.all([
    within(LISTEN_MS, signal, (until) => listenForRouters(own, until)),
    gateway === null ? [] : greetingsOf(gateway, signal),
  ])
  const neighbours = [...new Set(told.map(({ address }) => address))]
    .filter((address) => isIPv4(address) && address !== gateway)
    .slice(0, MOST_NEIGHBOURS)
  const greetings = await Promise.all(neighbours.map((address) => greetingsOf(address, signal)))
  const evidence: readonly Evidence[] = [...told, ...ofGateway, ...greetings.flat()]
  return routersIn(evidence, gateway)
}
