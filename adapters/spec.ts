import type { PublicKey } from '../wireguard/keys.ts'
import type { PeerSpec } from '../wireguard/spec.ts'

/** One tunnel interface with all that hangs on it, as wanted. Holds no secret. */
export interface TunnelSpec {
  readonly interface: string
  /** The public key of the interface, whose private half the adapter was given; null: the machine makes its own. */
  readonly publicKey: PublicKey | null
  /** The tunnel's address with prefix length, e.g. 10.86.0.2/16. */
  readonly address: string
  /** Bytes. */
  readonly mtu: number
  /** The listen port; null: any port, chosen by the kernel and kept while the interface lives. */
  readonly listenPort: number | null
  readonly peers: readonly PeerSpec[]
  /** Routes into the tunnel, in addition to the address's own prefix; sorted. */
  readonly routes: readonly RouteSpec[]
  readonly forwarding: ForwardingSpec
  /**
   * Addresses of the other end that are reached past a VPN that takes all that the machine sends. Default: they are
   * reached as they are now, through the VPN at first.
   */
  readonly pastVpn?: readonly string[]
}

/** One route into the tunnel. */
export interface RouteSpec {
  /** The destination in canonical CIDR. */
  readonly prefix: string
  /** Bytes, where the peer behind it bears less than the interface; null: the interface's own MTU. */
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
  /** Prefixes of `lan` that the other end knows by other numbers, one to one. */
  readonly seenAs: readonly MappedNetwork[]
  /**
   * Whether visitors of the hub's published ports come out of the tunnel with their own addresses, and answers to them
   * go back into it. The machine's own default route stays.
   */
  readonly visitors: boolean
  /** Whether devices may reach the internet through the home, where they are seen as the home. */
  readonly exit: boolean
  /** What is sent from here to the internet by the other end, which needs `visitors` too. Default: nothing. */
  readonly outgoing?: OutgoingForwarding
}

export interface OutgoingForwarding {
  /** Never empty. */
  readonly flows: readonly OutgoingFlow[]
  /** Addresses of the internet to which the machine's own packets never go that way. */
  readonly except: readonly string[]
}

/** New connections of one sender to these ports of the internet, or from its own ports there. */
export interface OutgoingFlow {
  readonly protocol: 'tcp' | 'udp'
  /** The sender's address; null: this machine, whichever of its addresses it sends from. */
  readonly from: string | null
  /** The sender's address as the other end knows it. */
  readonly seenAs: string
  /** The ports of the internet. */
  readonly port: number
  readonly lastPort: number
  /** The first of the sender's own ports; as many as above. */
  readonly ownPort: number
}

export interface HubForwarding {
  readonly role: 'hub'
  /** UDP ports that are redirected to the listen port. */
  readonly alternatePorts: readonly number[]
  readonly echo: EchoFlow
  /** The UDP port on which homes are answered inside the tunnel; null: none. */
  readonly heartbeatPort: number | null
  /** Tunnel addresses of devices. They may reach every peer; homes may not start anything towards each other. */
  readonly devices: readonly string[]
  /** Devices that may reach only some prefixes. */
  readonly limited: readonly DeviceLimit[]
  /** Devices that reach the internet through this machine, where they are seen as this machine. */
  readonly full: readonly string[]
  /** Devices whose internet traffic is routed to the peer that has 0.0.0.0/0. */
  readonly exits: readonly string[]
  /** Networks of homes as this end knows them: what comes out of the tunnel has an address of theirs or of its own. */
  readonly lans: readonly string[]
  readonly ownServices: OwnServices
  /** Ports that are forwarded to services at homes. Filled in after all else, apart from the table. */
  readonly published: readonly PublishedPort[]
}

/** What peers reach of the hub's machine itself, beside what homeward answers on it. */
export interface OwnServices {
  /** Ports that its owner opened to everybody in the tunnel. */
  readonly open: readonly OpenPort[]
  /** TCP ports of ssh, which the owner's devices reach. */
  readonly sshPorts: readonly number[]
  readonly ownerDevices: readonly string[]
}

/** A port of this machine. */
export interface OpenPort {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

/** The forwarding from which a firewall's table is made: published ports are filled in apart from it. */
export type FirewallForwarding = HomeForwarding | Omit<HubForwarding, 'published'>

/** One tunnel as a firewall knows it. */
export interface TunnelFirewall<Forwarding extends FirewallForwarding = FirewallForwarding> {
  readonly interface: string
  readonly listenPort: number | null
  /** This end's own address in the tunnel. */
  readonly address: string
  /** The tunnel's own network, canonical CIDR. */
  readonly network: string
  readonly forwarding: Forwarding
  /** The slot that tells the connections of its visitors from those of another tunnel's. */
  readonly visitorSlot: number
}

/** A network, and the network of the same length by which the other end knows it. Canonical CIDR. */
export interface MappedNetwork {
  readonly prefix: string
  readonly seen: string
}

/** Devices by their tunnel addresses, which are never none, and all that they may reach. */
export interface DeviceLimit {
  readonly devices: readonly string[]
  /** Canonical CIDR. */
  readonly prefixes: readonly string[]
  /** Default: none but those prefixes. */
  readonly services?: readonly ReachedService[]
}

/** Ports of a host behind the tunnel. */
interface ReachedService {
  readonly address: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  readonly lastPort: number
}

/** A port of the hub, or a range that keeps its numbers, that is forwarded to a service at a home. */
export interface PublishedPort {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** The last port of a range; `targetPort` is then `port`. Missing: a single port. */
  readonly lastPort?: number
  /** The service's IPv4 address, behind the tunnel. */
  readonly address: string
  readonly targetPort: number
  /** Whether the service sees the hub's tunnel address instead of the visitor's. */
  readonly hidden: boolean
  /** What the service itself sends to these ports of the internet, or from its own, leaves by the hub. Default: it does not. */
  readonly outgoing?: true
}

/**
 * UDP flows from outside to WireGuard's ports that are not WireGuard: they begin with these four bytes (as one
 * big-endian number) and are redirected to this port. Once answered, such a flow is remembered through this much
 * silence.
 */
export interface EchoFlow {
  readonly port: number
  readonly firstBytes: number
  readonly keptSeconds: number
}
