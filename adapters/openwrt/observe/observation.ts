import type { Observation } from '../../observation.ts'
import type { Section } from '../uci/sections.ts'

/** What a router was asked for besides. */
export interface OpenwrtObservation extends Observation {
  /** Tunnels whose device is there; of others `interfaces` says what is configured. */
  readonly live: readonly string[]
  /** Names of all devices, whatever they are. */
  readonly devices: readonly string[]
  /** Tunnels whose device the firewall that is loaded knows. */
  readonly firewalled: readonly string[]
  /** All of network and firewall, anybody's. Private keys stand there as public ones, or as `-`. */
  readonly sections: readonly Section[]
  readonly foreignNetworks: readonly ForeignNetwork[]
  readonly tools: Tools
  /** The router's own line; null: it has no way to the internet. */
  readonly uplink: Uplink | null
}

/** Somebody else's network, by whatever it is led. */
export interface ForeignNetwork {
  readonly prefix: string
  /** For people. */
  readonly by: string
}

export interface Uplink {
  /** As netifd names it, e.g. `wan`. */
  readonly interface: string
  /** IPv4; null: none. */
  readonly address: string | null
}

interface Tools {
  readonly hasWg: boolean
  /** netifd's program for the protocol is there. */
  readonly hasHandler: boolean
  /** netifd has read it: it does so at its own start alone. */
  readonly knowsProtocol: boolean
}
