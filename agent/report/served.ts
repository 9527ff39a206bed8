import { namedCause } from '../../alerts/record/troubles.ts'
import type { Served } from '../../system/process/service-manager.ts'
import { causeOf } from '../core/evidence/health.ts'
import type { Tunnel } from '../tunnel/tunnel.ts'

/** The agent, as the service manager knows it: started when it knows of each tunnel whether it carries. */
export function servedAs(tunnels: () => readonly Pick<Tunnel, 'look' | 'settings'>[]): Served {
  return {
    isSettled: () => tunnels().every(({ look }) => look().watch.health.kind !== 'starting'),
    isTurning: () => tunnels().every(({ look }) => !look().stale),
    text: () =>
      tunnels()
        .map(({ look, settings }) => {
          const { health } = look().watch
          const cause = causeOf(health)
          return `${settings.current.interface} is ${health.kind}${cause === null ? '' : `: ${namedCause(cause)}`}`
        })
        .join(', '),
  }
}
