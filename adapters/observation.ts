import type { ProblemCode } from '../problems/catalogue.ts'
import type { Family } from '../net/address.ts'
import type { InterfaceState } from '../wireguard/dump.ts'
import type { PublishedPort, RouteSpec } from './spec.ts'

/** What is on a machine: everything with our mark, of all tunnels, and what is in their way. */
export interface Observation {
  /** Tunnels of ours, each with all that hangs on it. */
  readonly interfaces: readonly ObservedInterface[]
  /** Names in our marks to which no tunnel answers: what is left is removed, and made again where it is wanted. */
  readonly remains: readonly string[]
  /** Names of interfaces that are somebody else's: no tunnel can have such a name. */
  readonly foreignInterfaces: readonly string[]
  /** Fingerprints of our firewall rules in order; null when there is no table of ours. */
  readonly firewall: readonly string[] | null
  /** The published ports in our firewall; null: unknown. */
  readonly published: readonly PublishedPort[] | null
  /** Parts of our firewall that can be made again while published ports stay, in the machine's own words. */
  readonly replaceable: readonly string[]
  readonly forwarding: boolean
  /** Whether we turned forwarding on, so that undo turns it off again. */
  readonly forwardingIsOurs: boolean
  /** How answers to visitors are routed into tunnels, by slot. */
  readonly visitors: readonly ReplyRoute[]
  /** Tunnels on whose interface the kernel takes visitors' addresses for forged: strict reverse path filtering. */
  readonly strictReversePath: readonly string[]
  /** What other programs' policy rules take of all that this machine sends. */
  readonly diversion: Diversion
  /** Selectors of our rules that leave packets to the main table, in order; null: not where they should be. */
  readonly ownWays: readonly string[] | null
  /** Marks of packets or connections that other programs of the machine use. */
  readonly foreignMarks: readonly ForeignMark[]
  /** How devices are routed to the internet through a peer; null: rules or routes are not as they should be. */
  readonly exits: ExitRoute | null
  /** Firewalls of the machine other than ours, in which the tunnel's packets need rules of ours. */
  readonly otherFirewalls: Readonly<Partial<Record<OtherFirewallPlace, OtherFirewall>>>
  /** Other firewalls that could not be read, or take no rules of ours. */
  readonly closedFirewalls: readonly ClosedFirewall[]
  /** Networks that a router is on, and those that it has routes to (interface null); this machine's are not read here. */
  readonly networks: readonly { readonly interface: string | null; readonly prefix: string }[]
  /** Objects of others that stand where ours should: a plan refuses itself. An undo leaves them where they are. */
  readonly clashes: readonly Refusal[]
  /** Settings of others that hinder the tunnel, for their owner to change: a sentence each, with what to do. */
  readonly warnings: readonly string[]
}

/** One route of answers to visitors: a mark of connections, and the tunnel into which packets with it are routed. */
export interface ReplyRoute {
  /** The number, counted from 0: each tunnel with visitors has its own. */
  readonly slot: number
  /** The tunnel; null: there is no route. */
  readonly interface: string | null
  /** Whether nothing of it is missing or twice, and nobody's rule comes before it. */
  readonly isWhole: boolean
  /** The rule of somebody else that comes before it and may take its packets, e.g. `ip rule 8598`. */
  readonly behind?: string
}

/** What is taken by policy rules that are not ours, such as a full-tunnel VPN's, each by its first rule; null: nothing. */
export interface Diversion {
  /** What main has a route for, in IPv4: there is nothing else inside the tunnel. */
  readonly specific: string | null
  /** What main has no route for but the default one. */
  readonly internet: Readonly<Record<Family, string | null>>
  /** Addresses of this machine, of the families that are taken, on the interfaces of main's default routes. */
  readonly addresses: readonly string[]
}

/** A mark of packets or connections that somebody else uses. */
export interface ForeignMark {
  /** The bits that are theirs. A program that compares whole marks names a value, and all bits. */
  readonly mask: number
  readonly value: number | null
  /** Where it was seen, e.g. `ip rule 5210` or `the nftables chain ip mangle PREROUTING`. */
  readonly by: string
}

/** The tunnel out of which and into which these devices are routed; null: none is. */
export interface ExitRoute {
  readonly interface: string | null
  readonly devices: readonly string[]
}

/** One family of iptables by its program, which is the machine's default or another; or all tables of nftables. */
export type OtherFirewallPlace = IptablesProgram | 'nftables'

export type IptablesProgram = `${'iptables' | 'ip6tables'}${'' | '-nft' | '-legacy'}`

export interface OtherFirewall {
  /** Chains that stop more than a fresh machine's. */
  readonly strict: readonly string[]
  /** Our rules in this firewall, in its own words. */
  readonly ours: readonly string[]
}

export interface ClosedFirewall {
  /** The name of a table of nftables, such as `inet firewalld`, or of a program of iptables. */
  readonly name: string
  /** The reason, in the words of the program or kernel that refused. */
  readonly why: string
  /** Its own rules, from which can be told what passes; null where they could not be read. */
  readonly content: readonly unknown[] | null
  /** Chains that stop more than a fresh machine's. */
  readonly strict: readonly string[]
  /** Whether rules of ours are in this firewall. */
  readonly holdsOurs: boolean
}

export interface ObservedInterface extends InterfaceState {
  readonly name: string
  readonly up: boolean
  readonly mtu: number
  /** Addresses with prefix length. */
  readonly addresses: readonly string[]
  /** Addresses to whose network no route leads into the interface any more, though it is up. */
  readonly cutOff: readonly string[]
  /** Our marked routes into the interface. */
  readonly routes: readonly RouteSpec[]
}

export interface Refusal {
  readonly code: ProblemCode
  readonly why: string
  /** When what is in the way has ended by itself. */
  readonly retryAfterSeconds?: number
}
