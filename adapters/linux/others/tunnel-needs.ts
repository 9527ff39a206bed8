import type { ForwardingSpec } from '../../spec.ts'

/** One kind of packet that every firewall of the machine must let pass, in words of none of them. */
export interface TunnelNeed {
  readonly hook: 'input' | 'forward'
  /** The tunnel itself is IPv4; what comes from outside may be either. */
  readonly families: readonly ('ipv4' | 'ipv6')[]
  /** The interface it comes in by; null: any. */
  readonly from: string | null
  readonly to: string | null
  readonly protocol: 'tcp' | 'udp' | 'icmp' | null
  readonly port: number | null
  /** Connections with the mark of visitors. */
  readonly visitors: boolean
}

const ANY = { families: ['ipv4'], from: null, to: null, protocol: null, port: null, visitors: false } as const

/** What a tunnel needs of firewalls that are not ours; between the tunnel and the rest our own table judges. Pure. */
export function needsOfTunnel(spec: {
  readonly interface: string
  readonly listenPort: number | null
  readonly forwarding: ForwardingSpec
}): readonly TunnelNeed[] {
  const { interface: name, listenPort, forwarding } = spec
  const pass: readonly TunnelNeed[] = [
    { ...ANY, hook: 'forward', from: name },
    { ...ANY, hook: 'forward', to: name },
  ]
  const inside = { ...ANY, hook: 'input', from: name } as const
  const outside = { ...ANY, hook: 'input', families: ['ipv4', 'ipv6'] } as const
  switch (forwarding.role) {
    case 'home':
      return [...pass, ...(forwarding.visitors ? [{ ...inside, visitors: true }] : [])]
    case 'hub':
      return [
        ...pass,
        { ...inside, protocol: 'icmp' },
        ...(forwarding.heartbeatPort === null
          ? []
          : [{ ...inside, protocol: 'udp', port: forwarding.heartbeatPort } as const]),
        ...(listenPort === null
          ? []
          : ([
              { ...outside, protocol: 'udp', port: listenPort },
              { ...outside, protocol: 'tcp', port: listenPort },
              { ...outside, protocol: 'udp', port: forwarding.echo.port },
            ] as const)),
      ]
    default:
      return forwarding satisfies never
  }
}
