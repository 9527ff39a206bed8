import { sameEndpoint } from '../../wireguard/spec.ts'
import type { LastWay } from '../memory/last-way.ts'
import { hubEndpoints, preferredEndpoint } from '../registrar/hub-endpoints.ts'
import type { HubConfig } from '../settings/config.ts'
import type { Search, Way } from './search.ts'

/**
 * What the agent is to remember of the way that a join found; null when that is the endpoint that it prefers anyway.
 * @param hubLiterals in the order of the configuration.
 */
export function wayToKeep(
  way: Way,
  { endpoints }: Search,
  hub: HubConfig,
  hubLiterals: readonly string[],
): Omit<LastWay, 'schema'> | null {
  const answered = endpoints.filter(({ echo }) => echo.kind === 'passes').map(({ endpoint }) => endpoint)
  if (way.kind === 'tls') {
    // Where echoes pass, it is the handshakes that do not: UDP is not blocked, but no session begins over it.
    const cause = answered.length === 0 ? 'udp-blocked' : 'session-lost'
    return { hub: hub.publicKey, on: 'transport', endpoint: null, cause }
  }
  const { endpoint } = way
  if (sameEndpoint(endpoint, preferredEndpoint(hubEndpoints(hub, hubLiterals), answered, hub.port))) return null
  return { hub: hub.publicKey, on: 'endpoint', endpoint: { ...endpoint }, cause: 'port-blocked' }
}
