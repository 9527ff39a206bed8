import type { HomePulse, Pulse } from '../../alerts/transport/channel.ts'
import type { HomeStatus, HubStatus } from './status.ts'

/** How all homes are, for those who watch from outside. */
export function hubPulse({ homes }: Pick<HubStatus, 'homes'>, version: string, now: Date): Pulse {
  return { end: 'hub', version, homes: homes.map((home) => homePulse(home, now)) }
}

function homePulse(home: HomeStatus, now: Date): HomePulse {
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
