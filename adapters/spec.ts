import type { PublicKey } from '../wireguard/keys.ts'
import type { PeerSpec } from '../wireguard/spec.ts'

/** One tunnel interface with all that hangs on it, as wanted. Holds no secret. */
export interface TunnelSpec {
  readonly interface: string
  /** The interface must have this key, and the adapter was given the private half; null: the machine makes its own. */
  readonly publicKey: PublicKey | null
  /** With prefix length, e.g. 10.86.0.2/16. */
  readonly address: string
  /** Bytes. */
  readonly mtu: number
  /** null: any port, chosen by the kernel and kept while the interface lives. */
  readonly listenPort: number | null
  readonly peers: readonly PeerSpec[]
  /** Led into the tunnel besides the address's own prefix; sorted. */
  readonly routes: readonly RouteSpec[]
  readonly forwarding: ForwardingSpec
}

/** One way into the tunnel. */
export interface RouteSpec {
  /** Canonical CIDR. */
  readonly prefix: string
  /** Bytes, where the peer behind it bears less than the interface; null: the interface's own. */
  readonly mtu: number | null
}

/** What may pass between the tunnel and the rest of the machine. */
export type ForwardingSpec = HomeForwarding | HubForwarding

export interface HomeForwarding {
  readonly role: 'home'
  /** The home's prefixes that the tunnel may reach; nothing else behind this machine can be reached from it. */
  readonly lan: readonly string[]
  /** masquerade: LAN hosts see this machine and answer without a route. routed: they see the device and need one. */
  readonly mode: 'masquerade' | 'routed'
  /** Which of `lan` the other end knows by other numbers, one to one. */
  readonly seenAs: readonly MappedNetwork[]
  /**
   * Visitors of the hub's published ports come out of the tunnel with their own addresses, and what answers them goes
   * back into it. The machine's own default route stays.
   */
  readonly visitors: boolean
  /** Devices may reach the internet through the home, and are seen there as it. */
  readonly exit: boolean
}

export interface HubForwarding {
  readonly role: 'hub'
  /** UDP ports that lead to the listen port too. */
  readonly alternatePorts: readonly number[]
  readonly echo: EchoFlow
  /** UDP, where homes are answered inside the tunnel; null: nowhere. */
  readonly heartbeatPort: number | null
  /** Tunnel addresses of devices. They may reach every peer; homes may not start anything towards each other. */
  readonly devices: readonly string[]
  /** Devices that may reach some prefixes alone. */
  readonly limited: readonly DeviceLimit[]
  /** Devices that reach the internet through this machine, and are seen there as it. */
  readonly full: readonly string[]
  /** Devices whose way to the internet leads through the peer that has 0.0.0.0/0. */
  readonly exits: readonly string[]
  /** Ports that lead to services at homes. Filled in after all else, beside it. */
  readonly published: readonly PublishedPort[]
}

/** What a firewall is made from: published ports are filled in beside it. */
export type FirewallForwarding = HomeForwarding | Omit<HubForwarding, 'published'>

/** One tunnel as a firewall knows it. */
export interface TunnelFirewall<Forwarding extends FirewallForwarding = FirewallForwarding> {
  readonly interface: string
  readonly listenPort: number | null
  /** The tunnel's own, canonical CIDR. */
  readonly network: string
  readonly forwarding: Forwarding
  /** Tells the connections of its visitors from those of another tunnel's. */
  readonly visitorSlot: number
}

/** A network, and the one of the same length that stands for it at the other end. Canonical CIDR. */
export interface MappedNetwork {
  readonly prefix: string
  readonly seen: string
}

/** Devices by their tunnel addresses, and all that they may reach; neither is empty. */
export interface DeviceLimit {
  readonly devices: readonly string[]
  /** Canonical CIDR. */
  readonly prefixes: readonly string[]
}

/** A port of the hub that leads to a service at a home. */
export interface PublishedPort {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** IPv4, behind the tunnel. */
  readonly address: string
  readonly targetPort: number
  /** The service sees the hub's tunnel address instead of the visitor's. */
  readonly hidden: boolean
}

/**
 * UDP flows from outside to WireGuard's ports that are not WireGuard: they begin with these four bytes (as one big-endian
 * number) and lead to this port. Once answered, such a flow is remembered through this much silence.
 */
export interface EchoFlow {
  readonly port: number
  readonly firstBytes: number
  readonly keptSeconds: number
}
