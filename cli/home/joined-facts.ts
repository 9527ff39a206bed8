import { tunnelsOf } from '../../agent/settings/config.ts'
import type { Joined } from '../../agent/membership/make-tunnel.ts'
import { lineText } from '../../agent/ways/line-report.ts'
import { formatEndpoint } from '../../wireguard/spec.ts'

type JoinedWay = Pick<Joined, 'config' | 'provenMs' | 'mapping' | 'way' | 'line'>

/** The facts of `join --json` about a home that has joined. */
export function joinedFacts({ config, provenMs, mapping, way, line }: JoinedWay): object {
  const [{ hub }] = tunnelsOf(config)
  const { address, network, addresses } = hub
  return {
    home: config.home,
    router: config.router.kind,
    interface: config.interface,
    address,
    network,
    lan: config.lan.prefixes,
    hub: addresses,
    provenMs: Math.round(provenMs),
    mapping,
    transport: way.kind,
    endpoint: way.kind === 'udp' ? formatEndpoint(way.endpoint) : null,
    line,
  }
}

/** The way of the tunnel, and what the line lets through, as the last lines of a join say it. */
export function wayLines({ config, way, line }: JoinedWay): readonly string[] {
  const [{ hub }] = tunnelsOf(config)
  const isFirst = way.kind === 'udp' && way.endpoint.port === hub.port
  const used =
    way.kind === 'tls'
      ? [
          'It goes over TLS, since no WireGuard got through by UDP. That takes the agent: the tunnel carries while it runs.',
        ]
      : isFirst
        ? []
        : [`It goes by UDP port ${way.endpoint.port}, since port ${hub.port} did not answer.`]
  return [...used, `What this line lets through to the hub: ${lineText(line)}.`]
}
