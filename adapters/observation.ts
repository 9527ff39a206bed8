import type { ProblemCode } from '../problems/catalogue.ts'
import type { InterfaceState } from '../wireguard/dump.ts'
import type { PublishedPort, RouteSpec } from './spec.ts'

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
  /** The published ports in it. null: they could not be told. */
  readonly published: readonly PublishedPort[] | null
  /** What of it can be made anew while published ports stay, in the machine's own words. */
  readonly replaceable: readonly string[]
  readonly forwarding: boolean
  /** Whether it was us who turned forwarding on, so that undo turns it off again. */
  readonly forwardingIsOurs: boolean
  /** How far answers to visitors are led into the tunnel. */
  readonly visitors: 'none' | 'partly' | 'led'
  /** Devices that are led to the internet through a peer. null: what leads them is not as it should be. */
  readonly exits: readonly string[] | null
  /** Firewalls of the machine besides ours, in which the tunnel's packets need rules of ours. */
  readonly otherFirewalls: Readonly<Partial<Record<OtherFirewallPlace, OtherFirewall>>>
  /** Those that could not be looked at, or take no rules of ours. */
  readonly closedFirewalls: readonly ClosedFirewall[]
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
