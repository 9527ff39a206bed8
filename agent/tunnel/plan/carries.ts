import type { Adapter } from '../../../adapters/adapter.ts'
import { tunnelIn } from '../../../adapters/tunnel-in.ts'
import { type Clock, systemClock } from '../../../system/time/clock.ts'
import type { TunnelConfig } from '../../settings/config.ts'
import { tunnelTarget } from '../../probes/heartbeat-target.ts'
import { makeTunnelProof } from '../../probes/tunnel-proof.ts'

/** Whether a tunnel carries at this moment, proven without the hub's daemon. Never throws. */
export type Carries = (signal: AbortSignal) => Promise<boolean>

export function makeCarries(
  adapter: Pick<Adapter, 'observe'>,
  config: () => TunnelConfig,
  clock: Clock = systemClock,
): Carries {
  return makeTunnelProof({
    target: () => tunnelTarget(config()),
    receivedBytes: async (signal) => {
      const observed = await adapter.observe(signal, 'calm').catch(() => null)
      const { interface: name, hub } = config()
      return tunnelIn(observed, name)?.peers.find(({ publicKey }) => publicKey === hub.publicKey)?.rxBytes ?? null
    },
    clock,
  })
}
