import { networkInterfaces } from 'node:os'
import { ipv4Prefix } from '../../protocol/addresses.ts'
import type { Occupied } from '../core/lan.ts'

/** The IPv4 networks that this machine is in, without the tunnel's own interface. */
export function ownNetworks(
  tunnelInterface: string,
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): readonly Occupied[] {
  return Object.entries(interfaces)
    .filter(([name]) => name !== tunnelInterface)
    .flatMap(([name, addresses = []]) =>
      addresses.flatMap(({ family, internal, cidr }) => {
        const prefix = family === 'IPv4' && !internal && cidr !== null ? ipv4Prefix(cidr) : null
        return prefix === null ? [] : [{ prefix, by: `the hub’s own network at ${name}` }]
      }),
    )
}
