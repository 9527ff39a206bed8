import type { HomeSnapshot, Snapshot } from '../../alerts/transport/channel.ts'
import type { HomeStatus, HubStatus } from './status.ts'

/** The snapshot of all homes, for those who watch from outside. */
export function hubSnapshot({ homes }: Pick<HubStatus, 'homes'>, version: string, now: Date): Snapshot {
  return { end: 'hub', version, homes: homes.map((home) => homeSnapshot(home, now)) }
}

function homeSnapshot(home: HomeStatus, now: Date): HomeSnapshot {
  const { name, presence, endpoint, lastHandshakeSeconds: age, rxBytes, txBytes } = home
  return {
    name,
    isUp: presence === 'awaited' ? null : presence === 'heard',
    state: presence === 'heard' ? 'up' : presence,
    cause: presence === 'dark' ? 'home-dark' : null,
    rttMs: null,
    handshakeAt: age === null ? null : new Date(now.getTime() - age * 1_000).toISOString(),
    rxBytes,
    txBytes,
    mapping: endpoint,
  }
}
