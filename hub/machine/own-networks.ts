import { networkText, type MachineNetwork, readMachineNetworks } from '../../system/network/machine-networks.ts'
import { readResolvers } from '../../system/network/resolvers.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Occupied } from '../core/lan.ts'

/** How long a look is reused: it starts a program, and each registration of each home may ask. */
const LOOK_MS = 2_000

/**
 * Reads what of the IPv4 internet is this machine's own: the networks that it is in or has routes to, without those of
 * the tunnel's own interface, and its name servers, which mostly lie behind the default route: a home that announced
 * theirs would answer every question of this machine.
 */
export async function readOwnNetworks(
  tunnelInterface: string,
  read: (except: string) => Promise<readonly MachineNetwork[]> = readMachineNetworks,
  resolvers: () => Promise<readonly string[]> = readResolvers,
): Promise<readonly Occupied[]> {
  const [networks, servers] = await Promise.all([read(tunnelInterface), resolvers()])
  return [
    ...networks.map((one) => ({
      prefix: one.prefix,
      by: one.via === null ? `the hub’s own network at ${one.interface}` : `the hub’s own network: ${networkText(one)}`,
    })),
    ...servers.map((server) => ({
      prefix: `${server}/32`,
      by: 'the hub’s own name server',
      unlessGranted: true as const,
    })),
  ]
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
