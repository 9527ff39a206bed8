import type { ProblemCode } from '../problems/catalogue.ts'
import type { InterfaceState } from '../wireguard/dump.ts'
import type { PublicKey } from '../wireguard/keys.ts'
import type { Endpoint, PeerSpec } from '../wireguard/spec.ts'

/**
 * One kind of machine that can end a tunnel. The duties of every adapter:
 *
 * - idempotent: after a plan was executed, the next plan is empty;
 * - every object it makes bears homeward's mark, and nothing without the mark is ever changed or removed;
 * - undo needs the marks alone: `plan(observation, null)` removes everything of ours, with no saved state;
 * - every wait has a timeout and obeys the signal; it never prompts;
 * - an error is a Problem: what failed, on which device, why, what to do next;
 * - the vendor's words never leave its folder; secrets never appear in steps, errors or arguments.
 */
export interface Adapter {
  /** What this machine is. Probes once, then remembers. */
  readonly describe: (signal: AbortSignal) => Promise<Description>
  /** What is there now: all that bears our mark, and what would clash with `interfaceName`. */
  readonly observe: (interfaceName: string, signal: AbortSignal) => Promise<Observation>
  /** The ordered steps from what is to what should be. Pure. `null` wants everything of ours gone. */
  readonly plan: (observed: Observation, desired: TunnelSpec | null) => Plan
  /**
   * Carries out one step; whoever applies stops at the first that fails, unless it is one in a firewall of somebody else.
   * @throws {Problem} `step-failed`, or what says it better: `port-taken`, `interface-taken`, `no-wireguard`,
   * `tool-missing`, `no-root`.
   */
  readonly execute: (step: Step, signal: AbortSignal) => Promise<void>
  /**
   * Changes the running tunnel to get it past a fault, and nothing of what is wanted: the next plan is as empty as before.
   * @throws {Problem} `step-failed`.
   */
  readonly remedy: (remedy: Remedy, signal: AbortSignal) => Promise<void>
  readonly close: () => Promise<void>
}

/** What a machine may be able to do to its running tunnel. Killed in the midst of one, it ends right: at the latest by the next plan. */
export type Remedy =
  /**
   * The interface sends from another UDP port, at once. Session and keys stay; every NAT and firewall on the way sees a
   * flow it has not known. The peer's keepalive is and stays what is given.
   */
  | {
      readonly kind: 'new-source-port'
      readonly interface: string
      readonly peer: PublicKey
      readonly keepaliveSeconds: number
    }
  /** The peer is taken out, nothing is sent for so long, and it is put in again: a handshake at once. */
  | {
      readonly kind: 'new-session'
      readonly interface: string
      readonly peer: PeerSpec
      readonly silentSeconds: number
    }
  /** The machine's own NAT and connection table forget the flow to this place; none there is as good. */
  | { readonly kind: 'forget-flow'; readonly interface: string; readonly endpoint: Endpoint }
  /** The interface begins anew, as far as its key lives through it. It may be gone until the next plan is carried out. */
  | { readonly kind: 'rebuild'; readonly interface: string }

export interface Description {
  readonly kind: 'linux' | 'mikrotik' | 'openwrt'
  /** For people, e.g. `Debian GNU/Linux 12 (bookworm)`. */
  readonly model: string
  /** Version of the kernel or of the router's system. */
  readonly version: string
  readonly dataPlane: 'kernel' | 'userspace'
  /** The remedies it is capable of. */
  readonly remedies: readonly Remedy['kind'][]
}

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
export type ForwardingSpec =
  | {
      readonly role: 'home'
      /** The home's prefixes that the tunnel may reach; nothing else behind this machine can be reached from it. */
      readonly lan: readonly string[]
      /** masquerade: LAN hosts see this machine and answer without a route. routed: they see the device and need one. */
      readonly mode: 'masquerade' | 'routed'
      /** Which of `lan` the other end knows by other numbers, one to one; none without it. */
      readonly seenAs?: readonly SeenNetwork[]
      /**
       * Visitors of the hub's published ports come out of the tunnel with their own addresses, and what answers them goes
       * back into it. The machine's own default route stays. Without it nobody does.
       */
      readonly visitors?: boolean
      /** Devices may reach the internet through the home, and are seen there as it. Without it they may not. */
      readonly exit?: boolean
    }
  | {
      readonly role: 'hub'
      /** UDP ports that lead to the listen port too. */
      readonly alternatePorts: readonly number[]
      readonly echo: EchoFlow
      /** UDP, where homes are answered inside the tunnel. */
      readonly heartbeatPort?: number
      /** Tunnel addresses of devices. They may reach every peer; homes may not start anything towards each other. */
      readonly devices: readonly string[]
      /** Devices that may reach some prefixes alone; none without it. */
      readonly limited?: readonly DeviceLimit[]
      /** Devices that reach the internet through this machine, and are seen there as it; none without it. */
      readonly full?: readonly string[]
      /** Devices whose way to the internet leads through the peer that has 0.0.0.0/0; none without it. */
      readonly exits?: readonly string[]
      /** Ports that lead to services at homes; none without it. Filled in after all else, beside it. */
      readonly published?: readonly PublishedPort[]
    }

/** A network, and the one of the same length that stands for it at the other end. Canonical CIDR. */
export interface SeenNetwork {
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

/** What was found. Only what bears our mark, apart from `clashes` and `usedPorts`. */
export interface Observation {
  readonly interface: ObservedInterface | null
  /**
   * Names of interfaces with our mark that are to go: left over from an earlier name, or of this name without a
   * WireGuard that answers, to be made anew.
   */
  readonly strayInterfaces: readonly string[]
  /** Fingerprints of our firewall rules in order; null when there is no table of ours. */
  readonly firewall: readonly string[] | null
  /** The published ports in it; without it none. null: they could not be told. */
  readonly published?: readonly PublishedPort[] | null
  /** What of it can be made anew while published ports stay, in the machine's own words; without it nothing can. */
  readonly replaceable?: readonly string[]
  readonly forwarding: boolean
  /** Whether it was us who turned forwarding on, so that undo turns it off again. */
  readonly forwardingIsOurs: boolean
  /** How far answers to visitors are led into the tunnel; without it they are not. */
  readonly visitors?: 'none' | 'partly' | 'led'
  /** Devices that are led to the internet through a peer; without it none. null: what leads them is not as it should be. */
  readonly exits?: readonly string[] | null
  /** Firewalls of the machine besides ours, in which the tunnel's packets need rules of ours; none without it. */
  readonly otherFirewalls?: Readonly<Partial<Record<OtherFirewallPlace, OtherFirewall>>>
  /** Those that could not be looked at, or take no rules of ours; none without it. */
  readonly closedFirewalls?: readonly ClosedFirewall[]
  /** What is not ours and stands where ours should: a plan refuses itself. An undo leaves it where it is. */
  readonly clashes: readonly Refusal[]
  /** What is not ours, hinders the tunnel, and is for its owner to change: a sentence each, with what to do. */
  readonly warnings: readonly string[]
}

/** A family of iptables by its program, the one that is the machine's default or another; or all tables of nftables. */
export type OtherFirewallPlace = IptablesProgram | 'nftables'
export type IptablesProgram = `${'iptables' | 'ip6tables'}${'' | '-nft' | '-legacy'}`

export interface OtherFirewall {
  /** Its chains that stop more than a fresh machine's. */
  readonly strict: readonly string[]
  /** Our rules in it, in its own words. */
  readonly ours: readonly string[]
}

export interface ClosedFirewall {
  /** A table of nftables, such as `inet firewalld`, or a program of iptables. */
  readonly name: string
  /** In the words of who refused. */
  readonly why: string
  /** Its own rules, from which it can be told what passes; null where they could not be read. */
  readonly content: readonly unknown[] | null
  /** Its chains that stop more than a fresh machine's. */
  readonly strict: readonly string[]
  /** Whether rules of ours are in it. */
  readonly holdsOurs: boolean
}

export interface ObservedInterface extends InterfaceState {
  readonly name: string
  readonly up: boolean
  readonly mtu: number
  /** With prefix length. */
  readonly addresses: readonly string[]
  /** Those of its addresses to whose network no route leads into it any more, though it is up. */
  readonly cutOff: readonly string[]
  /** Our marked routes into it. */
  readonly routes: readonly RouteSpec[]
}

export interface Refusal {
  readonly code: ProblemCode
  readonly why: string
}

export interface Plan {
  /** Empty when what is there is what is wanted. */
  readonly steps: readonly Step[]
  /** Not empty: the plan must not be executed, and why. */
  readonly refusals: readonly Refusal[]
  /** Those of the observation, and what no step can do. */
  readonly warnings: readonly string[]
}

/** One change, as data: tests compare it, `plan` prints it, the log keeps it. */
export type Step =
  | { readonly kind: 'create-interface'; readonly interface: string }
  | { readonly kind: 'set-private-key'; readonly interface: string; readonly publicKey: PublicKey }
  | { readonly kind: 'set-listen-port'; readonly interface: string; readonly port: number }
  | { readonly kind: 'set-mtu'; readonly interface: string; readonly mtu: number }
  | { readonly kind: 'add-address'; readonly interface: string; readonly address: string }
  | { readonly kind: 'remove-address'; readonly interface: string; readonly address: string }
  /** The route to the address's own network, which came with the address, is put back. */
  | { readonly kind: 'lead-network'; readonly interface: string; readonly address: string }
  | { readonly kind: 'set-peers'; readonly interface: string; readonly peers: readonly PeerSpec[] }
  | { readonly kind: 'remove-peers'; readonly interface: string; readonly publicKeys: readonly PublicKey[] }
  | { readonly kind: 'bring-up'; readonly interface: string }
  | { readonly kind: 'add-route'; readonly interface: string; readonly prefix: string; readonly mtu: number | null }
  /** The route stays: nothing takes another way meanwhile. */
  | { readonly kind: 'set-route-mtu'; readonly interface: string; readonly prefix: string; readonly mtu: number | null }
  | { readonly kind: 'remove-route'; readonly interface: string; readonly prefix: string }
  | { readonly kind: 'enable-forwarding' }
  | { readonly kind: 'disable-forwarding' }
  | {
      readonly kind: 'set-firewall'
      readonly interface: string
      readonly listenPort: number | null
      readonly forwarding: ForwardingSpec
      /** The tunnel's own, canonical CIDR. */
      readonly network: string
      /** Kept in the table as a mark, for undo. */
      readonly forwardingWasOff: boolean
      /** Only these parts of it are made anew, and published ports stay as they are; without it all of it, and none is left. */
      readonly replaces?: readonly string[]
    }
  | { readonly kind: 'remove-firewall' }
  /** Rules of ours in a firewall that is not, marked; whatever else is in it stays. */
  | {
      readonly kind: 'set-other-firewall'
      readonly place: OtherFirewallPlace
      readonly add: readonly string[]
      readonly remove: readonly string[]
    }
  /** What answers a visitor of a published port goes back into the tunnel; the machine's own default route stays. */
  | { readonly kind: 'lead-visitors'; readonly interface: string }
  | { readonly kind: 'unlead-visitors' }
  /** These devices, and no others, have their way to the internet through the tunnel. */
  | { readonly kind: 'lead-exits'; readonly interface: string; readonly devices: readonly string[] }
  /** Published ports follow, whatever else there is. The last step of a plan: nothing waits for it. */
  | {
      readonly kind: 'change-published'
      readonly interface: string
      readonly add: readonly PublishedPort[]
      readonly remove: readonly PublishedPort[]
    }
  | { readonly kind: 'remove-interface'; readonly interface: string }
  /** WireGuard's tools, from the machine's own package feeds. They stay when all else is undone. */
  | { readonly kind: 'install-wireguard' }
  /** Its network service learns the protocol at its start alone. All its interfaces go away for about a second. */
  | { readonly kind: 'restart-network' }
  /**
   * The first step of a plan for a machine that is reached over the network: from here on it undoes by itself what follows,
   * whatever becomes of us, unless it is told in time to keep it.
   */
  | { readonly kind: 'arm-rollback'; readonly interface: string; readonly seconds: number }
  /**
   * Until here such a machine was only told what shall be; now it makes it so, all at once, and it is seen that it did. For
   * machines whose configuration takes effect as a whole.
   */
  | { readonly kind: 'activate-changes'; readonly interface: string }
  /** The last step of such a plan, once the tunnel is proven: what was changed stays. */
  | { readonly kind: 'keep-changes'; readonly interface: string }
  /** In no plan: what was changed since the rollback was armed is undone now. */
  | { readonly kind: 'revert-changes'; readonly interface: string }
