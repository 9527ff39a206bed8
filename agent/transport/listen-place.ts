import { Problem } from '../../problems/problem.ts'
import type { RouterConfig } from '../settings/config.ts'
import { routeEnds } from '../../system/sockets/route-ends.ts'

/** The address that takes WireGuard's datagrams for the transport, and the only one they may come from. Literals. */
export interface ListenPlace {
  readonly address: string
  readonly from: string
}

const LOOPBACK = '127.0.0.1'

/** The place that only programs of this machine reach. */
export const LOOPBACK_LISTEN: ListenPlace = { address: LOOPBACK, from: LOOPBACK }

/**
 * Loopback where WireGuard runs here. Where it runs on a router: the address that this machine has towards the router,
 * and only the router is listened to.
 * @throws {Problem} `router-unreachable` when no route leads to the router.
 */
export async function listenPlace(router: RouterConfig): Promise<ListenPlace> {
  if (router.kind === 'linux') return LOOPBACK_LISTEN
  const ends = await routeEnds(router.host)
  if (ends !== null) return { address: ends.own, from: ends.theirs }
  throw new Problem('router-unreachable', {
    what: `finding the way to the router at ${router.host}`,
    why: 'its name leads nowhere, or no route leads there',
  })
}
