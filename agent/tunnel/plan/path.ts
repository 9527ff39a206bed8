import { isIP } from 'node:net'
import { type Endpoint, sameEndpoint } from '../../../wireguard/spec.ts'
import type { UplinkFacts } from '../../memory/uplink-memory.ts'
import type { TunnelConfig } from '../../settings/config.ts'
import type { TlsTransport } from '../../transport/tls-transport.ts'
import { provenAddress } from './tunnel-spec.ts'

/** Where the tunnel goes now and else could go, as the agent last knew. Shared by looks, questions and remedies. */
export interface Path {
  /** The hub's addresses, best first; null before its names were first asked. */
  hubLiterals: readonly string[] | null
  /** Where the interface sends. */
  endpoint: Endpoint | null
  /** The address at which the hub last answered through the tunnel; null: none yet. */
  provenAddress: string | null
  keepaliveSeconds: number
  listenPort: number | null
  /** Where the interface shall send once, wherever it sends: set until it does; null: where it sends. */
  start: Endpoint | null
  /** The TLS transport, while one is open. */
  transport: TlsTransport | null
  /** Visitors are answered through the tunnel, as this machine was last found or set up. */
  visitors: boolean
  /** What leaves by the hub, as above. */
  outgoing: UplinkFacts['outgoing']
}

/** What an agent that begins knows. */
export function newPath({ hub, keepaliveSeconds }: TunnelConfig, uplink: UplinkFacts): Path {
  return {
    hubLiterals: null,
    endpoint: null,
    provenAddress: provenAddress(hub, uplink),
    keepaliveSeconds,
    listenPort: null,
    start: null,
    transport: null,
    visitors: uplink.visitors,
    outgoing: uplink.outgoing,
  }
}

/**
 * Takes what the hub's names resolve to now: those addresses first, then the one in use and the one at which the hub
 * last answered, since a tunnel that works is not moved for a name, and a name may lead to somebody else in this network.
 */
export function noteNamed(path: Path, named: readonly string[]): void {
  path.hubLiterals = withKnown(path, named)
}

/** The hub's addresses as far as they are known. @param addresses of agent.yaml: before its names were asked, literals count. */
export function knownLiterals(path: Path, addresses: readonly string[]): readonly string[] {
  return (
    path.hubLiterals ??
    withKnown(
      path,
      addresses.filter((address) => isIP(address) !== 0),
    )
  )
}

function withKnown(path: Path, literals: readonly string[]): readonly string[] {
  const inUse = path.endpoint === null || isOnTransport(path) ? [] : [path.endpoint.address]
  const proven = path.provenAddress === null ? [] : [path.provenAddress]
  return [...new Set([...literals, ...inUse, ...proven])]
}

/** Whether the interface sends into the TLS transport. */
export function isOnTransport({ endpoint, transport }: Pick<Path, 'endpoint' | 'transport'>): boolean {
  return endpoint !== null && transport !== null && sameEndpoint(endpoint, transport.endpoint)
}

/** The hub's addresses, the one at which it last answered first: a call to the registrar tries them in their order. */
export function provenFirst({ hubLiterals, provenAddress }: Pick<Path, 'hubLiterals' | 'provenAddress'>) {
  const proven = provenAddress === null ? [] : [provenAddress]
  return [...new Set([...proven, ...(hubLiterals ?? [])])]
}
