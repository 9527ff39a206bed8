/** WireGuard's metrics for existing dashboards: names and labels of MindFlavor's prometheus_wireguard_exporter. */
export interface MeasuredPeer {
  readonly interface: string
  readonly publicKey: string
  readonly allowedIps: readonly string[]
  readonly friendlyName: string
  readonly rxBytes: number
  readonly txBytes: number
  /** Seconds since 1970; null before the first handshake. */
  readonly lastHandshakeAt: number | null
}

export function wireguardFamilies(peers: readonly MeasuredPeer[]) {
  const samples = (valueOf: (peer: MeasuredPeer) => number) =>
    peers.map((peer) => ({ labels: labelsOf(peer), value: valueOf(peer) }))
  return [
    {
      name: 'wireguard_sent_bytes_total',
      help: 'Bytes sent to the peer',
      type: 'counter',
      samples: samples(({ txBytes }) => txBytes),
    },
    {
      name: 'wireguard_received_bytes_total',
      help: 'Bytes received from the peer',
      type: 'counter',
      samples: samples(({ rxBytes }) => rxBytes),
    },
    {
      name: 'wireguard_latest_handshake_seconds',
      help: 'UNIX timestamp of the latest handshake, 0 before the first',
      type: 'gauge',
      samples: samples(({ lastHandshakeAt }) => lastHandshakeAt ?? 0),
    },
  ] as const
}

function labelsOf(peer: MeasuredPeer): Readonly<Record<string, string>> {
  return {
    interface: peer.interface,
    public_key: peer.publicKey,
    allowed_ips: peer.allowedIps.join(','),
    friendly_name: peer.friendlyName,
  }
}
