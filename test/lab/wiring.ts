import type { Host } from './host.ts'

/** One end of a cable: an interface of a host and what is configured on it. */
export interface Plug {
  readonly host: Host
  /** At most 15 characters. */
  readonly interface: string
  /** With their prefix lengths. */
  addresses?: readonly string[]
  /** As `ip route` writes them, without the device: `default via 192.168.1.1`. */
  routes?: readonly string[]
  /** The bridge of that host this end is a port of. */
  readonly bridge?: string
}

/** A cable between two hosts. */
export type Link = readonly [Plug, Plug]

/** For `ip -batch -`, run outside: each end is born in its own namespace, nothing shows up in the machine's. */
export function linkCommand([one, other]: Link): string {
  const end = (plug: Plug) => `name ${plug.interface} netns ${plug.host.pid}`
  return `link add ${end(one)} type veth peer ${end(other)}`
}

/** For `ip -batch -` on the plug's host. */
export function plugCommands(plug: Plug): string {
  const device = plug.interface
  return [
    ...(plug.bridge === undefined ? [] : [`link set dev ${device} master ${plug.bridge}`]),
    ...(plug.addresses ?? []).map((address) => `addr add ${address} dev ${device}`),
    `link set dev ${device} up`,
    ...(plug.routes ?? []).map((route) => `route replace ${route} dev ${device}`),
    '',
  ].join('\n')
}
