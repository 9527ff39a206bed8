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

/**
 * For `ip -batch -`, run outside: each end is born in its own namespace, nothing shows up in the machine's.
 * The two ends get different numbers. With equal ones (both namespaces count from 1) the kernel takes the cable for a
 * device of its own and reports its carrier up to a second late (linkwatch_urgent_event, net/core/link_watch.c): until then a
 * bridge forwards nothing on it.
 * @param index even, the cable's own for as long as the laboratory stands: a rebooted host keeps its Ethernet addresses.
 */
export function linkCommand([one, other]: Link, index: number): string {
  const end = (plug: Plug, number: number) =>
    `name ${plug.interface} index ${number} address ${ethernetAddress(number)} netns ${plug.host.pid}`
  return `link add ${end(one, index)} type veth peer ${end(other, index + 1)}`
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

/** Locally administered (IEEE 802, second bit of the first byte). */
function ethernetAddress(number: number): string {
  const hex = number.toString(16).padStart(4, '0')
  return `02:00:00:00:${hex.slice(0, 2)}:${hex.slice(2)}`
}
