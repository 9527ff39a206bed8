import type { PublicKey } from '../../wireguard/keys.ts'
import type { Observation } from '../observation.ts'

/** What the plan needs to know of a router beyond what all machines are asked for. */
export interface RouterObservation extends Observation {
  /** Names that interfaces of ours lost: somebody gave them others. */
  readonly lostNames: readonly string[]
  /** Prefixes that our own routes lead nowhere while their tunnel is away. */
  readonly blackholes: readonly Blackhole[]
  /** Networks that are led somewhere by what is not ours. */
  readonly foreignNetworks: readonly ForeignNetwork[]
  /** Keys of peers of other interfaces: RouterOS takes each key once. */
  readonly foreignPeers: readonly ForeignPeer[]
}

export interface Blackhole {
  /** The tunnel's. */
  readonly interface: string
  readonly prefix: string
}

export interface ForeignNetwork {
  readonly prefix: string
  /** For people, e.g. `the address 10.86.0.1/24 on bridge`. */
  readonly by: string
}

export interface ForeignPeer {
  readonly publicKey: PublicKey
  readonly interface: string
}
