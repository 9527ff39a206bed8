import type { Observation } from '../../observation.ts'
import type { Section } from '../uci/sections.ts'

/** What the plan needs to know of a router beyond the observation of every machine. */
export interface OpenwrtObservation extends Observation {
  /** Tunnels whose device exists; of others `interfaces` holds what is configured. */
  readonly live: readonly string[]
  /** Names of all devices, of any kind. */
  readonly devices: readonly string[]
  /** Tunnels of which the loaded firewall has each rule that is configured. */
  readonly firewalled: readonly string[]
  /** All sections of network and firewall, anybody's. Private keys are replaced by public ones, or by `-`. */
  readonly sections: readonly Section[]
  readonly foreignNetworks: readonly ForeignNetwork[]
  /** Files of ours that fw4 may load. */
  readonly includes: readonly IncludeFile[]
  readonly tools: Tools
  /** The router's own line; null: no way to the internet. */
  readonly uplink: Uplink | null
}

interface IncludeFile {
  readonly path: string
  /** Hexadecimal. */
  readonly sha256: string
}

/** Somebody else's network, however it is routed. */
export interface ForeignNetwork {
  readonly prefix: string
  /** A description for people. */
  readonly by: string
}

export interface Uplink {
  /** The interface as netifd names it, e.g. `wan`. */
  readonly interface: string
  /** The IPv4 address; null: none. */
  readonly address: string | null
}

interface Tools {
  readonly hasWg: boolean
  /** Whether netifd's program for the protocol is installed. */
  readonly hasHandler: boolean
  /** Whether netifd has read that program, which it does only at its own start. */
  readonly knowsProtocol: boolean
}
