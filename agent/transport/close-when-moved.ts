import { sleep } from '../../system/time/sleep.ts'
import { routeEnds } from '../lan/route-ends.ts'
import type { RouterConfig } from '../settings/config.ts'
import type { TlsTransport } from './tls-transport.ts'

/** A home network gives a machine another address seldom, and the tunnel is dark until it is noticed. */
const LOOK_EVERY_MS = 5_000

/** Ends a transport that the router cannot reach any more, since this machine has another address now. */
export async function closeWhenMoved(transport: TlsTransport, router: RouterConfig): Promise<void> {
  if (router.kind === 'linux') return
  const over = new AbortController()
  void transport.ended.then(() => over.abort())
  while (!over.signal.aborted) {
    await sleep(LOOK_EVERY_MS, over.signal)
    // Without any address there is nothing better to move to.
    const ends = await routeEnds(router.host)
    if (ends !== null && ends.own !== transport.endpoint.address) return transport.close()
  }
}
