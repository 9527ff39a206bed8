import { sleep } from '../../system/time/sleep.ts'
import { routeEnds } from '../../system/sockets/route-ends.ts'
import type { RouterConfig } from '../settings/config.ts'
import type { TlsTransport } from './tls-transport.ts'

/** How often this machine's address is looked at: it changes rarely, and until that is noticed the tunnel is down. */
const LOOK_EVERY_MS = 5_000

/** Closes a transport that the router cannot reach any more, since this machine has another address now. */
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
