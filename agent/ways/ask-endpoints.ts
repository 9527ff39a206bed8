import { isIPv6 } from 'node:net'
import type { EchoKey } from '../../protocol/datagrams/echo.ts'
import type { Clock } from '../../system/time/clock.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import { routeEnds } from '../../system/sockets/route-ends.ts'
import { openEchoes } from '../probes/echo.ts'
import { type Echo, ECHO_MS } from './search.ts'

/** How long IPv4 waits for IPv6, where the hub has both (RFC 8305, section 5). */
const HEAD_START_MS = 250

/**
 * Asks all endpoints at once, each by an echo from a fresh socket. Never throws.
 * @param home our IPv4 address inside the tunnel.
 * @param onEcho called once for each endpoint, unless the signal comes first.
 */
export async function askEndpoints(
  endpoints: readonly Endpoint[],
  { home, key, clock }: { readonly home: string; readonly key: EchoKey; readonly clock: Clock },
  signal: AbortSignal,
  onEcho: (endpoint: Endpoint, echo: Echo) => void,
): Promise<void> {
  const echoes = openEchoes(home, key, clock)
  const isDual = endpoints.some(({ address }) => isIPv6(address))

  async function askOne(endpoint: Endpoint): Promise<Echo> {
    if ((await routeEnds(endpoint.address)) === null) return { kind: 'no-route' }
    if (isDual && !isIPv6(endpoint.address)) await sleep(HEAD_START_MS, signal)
    const answer = await echoes.ask(endpoint, { timeoutMs: ECHO_MS }, signal)
    return answer === null ? { kind: 'silent' } : { kind: 'passes', roundTripMs: answer.roundTripMs }
  }

  await Promise.all(
    endpoints.map(async (endpoint) => {
      const echo = await askOne(endpoint)
      if (!signal.aborted) onEcho(endpoint, echo)
    }),
  )
  echoes.close()
}

/** The hub's addresses as a join tries them: IPv6 first, which passes no NAT (RFC 8305, section 4), else as given. */
export function inOrderOfTrying(literals: readonly string[]): readonly string[] {
  return [...literals.filter(isIPv6), ...literals.filter((address) => !isIPv6(address))]
}
