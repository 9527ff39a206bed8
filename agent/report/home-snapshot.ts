import type { Snapshot } from '../../alerts/transport/channel.ts'
import { hostPort } from '../../wireguard/host-port.ts'
import type { Status } from './status.ts'

/** The snapshot of this home, for those who watch from outside. */
export function homeSnapshot(status: Status, now: Date): Snapshot {
  const { version, home, tunnel, mapping } = status
  const { lastHandshakeSeconds: age } = tunnel
  return {
    end: 'home',
    version,
    homes: [
      {
        name: home,
        isUp: tunnel.state === 'starting' ? null : tunnel.state === 'up',
        state: tunnel.state,
        cause: tunnel.cause,
        rttMs: tunnel.heartbeat.rttMs,
        handshakeAt: age === null ? null : new Date(now.getTime() - age * 1_000).toISOString(),
        rxBytes: tunnel.rxBytes,
        txBytes: tunnel.txBytes,
        mapping: mapping.address === null || mapping.port === null ? null : hostPort(mapping.address, mapping.port),
      },
    ],
  }
}
