import type { ProblemCode } from '../problems/catalogue.ts'
import type { InterfaceState } from '../wireguard/dump.ts'
import type { PublishedPort, RouteSpec } from './spec.ts'

/** A machine: what bears our mark on it, of all tunnels, and what is in their way. */
export interface Observation {
  /** Tunnels of ours, each with all that hangs on it. */
  readonly interfaces: readonly ObservedInterface[]
  /** Names that our marks speak of and no tunnel answers to: they are cleared, and made again where they are wanted. */
  readonly remains: readonly string[]
  /** Names of interfaces that are somebody else's: no tunnel can have one of them. */
  readonly foreignInterfaces: readonly string[]
  /** Fingerprints of our firewall rules in order; null when there is no table of ours. */
  readonly firewall: readonly string[] | null
  /** The published ports in it. null: they could not be told. */
  readonly published: readonly PublishedPort[] | null
  /** What of it can be made again while published ports stay, in the machine's own words. */
  readonly replaceable: readonly string[]
  readonly forwarding: boolean
  /** Whether it was us who turned forwarding on, so that undo turns it off again. */
  readonly forwardingIsOurs: boolean
  /** How answers to visitors are led into tunnels, by slot. */
  readonly visitors: readonly ReplyRoute[]
  /** How devices are led to the internet through a peer. null: what leads them is not as it should be. */
  readonly exits: ExitRoute | null
  /** Firewalls of the machine besides ours, in which the tunnel's packets need rules of ours. */
  readonly otherFirewalls: Readonly<Partial<Record<OtherFirewallPlace, OtherFirewall>>>
  /** Those that could not be looked at, or take no rules of ours. */
  readonly closedFirewalls: readonly ClosedFirewall[]
  /** What is not ours and stands where ours should: a plan refuses itself. An undo leaves it where it is. */
  readonly clashes: readonly Refusal[]
  /** What is not ours, hinders the tunnel, and is for its owner to change: a sentence each, with what to do. */
  readonly warnings: readonly string[]
}

/** One way of answers to visitors: a mark of connections, and the tunnel that packets with it are led into. */
export interface ReplyRoute {
  /** Counted from 0: each tunnel with visitors has its own. */
  readonly slot: number
  /** null: it leads nowhere. */
  readonly interface: string | null
  /** Nothing of it is missing or twice. */
  readonly isWhole: boolean
}

/** The tunnel out of which and into which these devices are led; null: none is. */
export interface ExitRoute {
  readonly interface: string | null
  readonly devices: readonly string[]
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
