import { networkText, type MachineNetwork, readMachineNetworks } from '../../system/network/machine-networks.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Occupied } from '../core/lan.ts'

/** How long a look is reused: it starts a program, and each registration of each home may ask. */
const LOOK_MS = 2_000

/** Reads the IPv4 networks that this machine is in or has routes to, without those of the tunnel's own interface. */
export async function readOwnNetworks(
  tunnelInterface: string,
  read: (except: string) => Promise<readonly MachineNetwork[]> = readMachineNetworks,
): Promise<readonly Occupied[]> {
  return (await read(tunnelInterface)).map((one) => ({
    prefix: one.prefix,
    by: one.via === null ? `the hub’s own network at ${one.interface}` : `the hub’s own network: ${networkText(one)}`,
  }))
}

/** The same for whoever asks often. */
export function makeOwnNetworks(clock: Pick<Clock, 'now'>, read = readOwnNetworks): typeof readOwnNetworks {
  let latest: { readonly at: number; readonly of: string; readonly look: ReturnType<typeof readOwnNetworks> } | null =
    null
  return async (tunnelInterface) => {
    if (latest === null || latest.of !== tunnelInterface || clock.now() - latest.at > LOOK_MS)
      latest = { at: clock.now(), of: tunnelInterface, look: read(tunnelInterface) }
    return await latest.look
  }
}
