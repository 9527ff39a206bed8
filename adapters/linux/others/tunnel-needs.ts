import type { Family } from '../../../net/address.ts'
import type { TunnelFirewall } from '../../spec.ts'

/** One kind of packet that every firewall of the machine must let pass, in terms of none of them. */
export interface TunnelNeed {
  /** A filter of forged sources looks for the route back: by the packet's mark (`-marked`), or without it. */
  readonly hook: 'input' | 'forward' | 'reverse-path' | 'reverse-path-marked'
  /** The tunnel itself is IPv4; what comes from outside may be either. */
  readonly families: readonly Family[]
  /** The interface by which the packet comes in; null: any. */
  readonly from: string | null
  readonly to: string | null
  readonly protocol: 'tcp' | 'udp' | 'icmp' | null
  readonly port: number | null
  /** Only packets that are not from this network; null: any. */
  readonly notFrom: string | null
  /** Connections with the mark of visitors of this slot; null: any. */
  readonly visitorSlot: number | null
}

const ANY = {
  families: ['ipv4'],
  from: null,
  to: null,
  protocol: null,
  port: null,
  notFrom: null,
  visitorSlot: null,
} as const

/** What a tunnel needs of other firewalls; our own table judges what passes between the tunnel and the rest. Pure. */
export function needsOfTunnel({
  interface: name,
  network,
  listenPort,
  forwarding,
  visitorSlot,
}: TunnelFirewall): readonly TunnelNeed[] {
  const pass: readonly TunnelNeed[] = [
    { ...ANY, hook: 'forward', from: name },
    { ...ANY, hook: 'forward', to: name },
  ]
  const inside = { ...ANY, hook: 'input', from: name } as const
  const backBy = (hook: 'reverse-path' | 'reverse-path-marked') => ({ ...ANY, hook, from: name, notFrom: network })
  const outside = { ...ANY, hook: 'input', families: ['ipv4', 'ipv6'] } as const
  switch (forwarding.role) {
    case 'home':
      // Visitors bear a mark by which the route back is the tunnel.
      return [...pass, ...(forwarding.visitors ? [{ ...inside, visitorSlot }, backBy('reverse-path')] : [])]
    case 'hub':
      return [
        ...pass,
        ...(forwarding.exits.length === 0 ? [] : [backBy('reverse-path'), backBy('reverse-path-marked')]),
        { ...inside, protocol: 'icmp' },
        ...(forwarding.heartbeatPort === null
          ? []
          : [{ ...inside, protocol: 'udp', port: forwarding.heartbeatPort } as const]),
        ...forwarding.ownServices.open.map(({ protocol, port }) => ({ ...inside, protocol, port }) as const),
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
