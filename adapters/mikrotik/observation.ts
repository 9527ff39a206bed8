import type { PublicKey } from '../../wireguard/keys.ts'
import type { Observation } from '../observation.ts'
import type { RawTable } from './objects/raw.ts'

/** What the plan needs to know of a router beyond the observation of every machine. */
export interface RouterObservation extends Observation {
  /** Names that our interfaces lost: somebody renamed them. */
  readonly lostNames: readonly string[]
  /** Prefixes for which our own blackhole routes stand in while their tunnel is away. */
  readonly blackholes: readonly Blackhole[]
  /** Networks that addresses or routes of others lead elsewhere. */
  readonly foreignNetworks: readonly ForeignNetwork[]
  /** Keys of peers of other interfaces: RouterOS takes each key only once. */
  readonly foreignPeers: readonly ForeignPeer[]
  /** The owner's table that judges packets before all others. */
  readonly raw: RawTable
  /** Whether the router drops packets whose sender it would answer by another interface. */
  readonly hasStrictReversePath: boolean
}

export interface Blackhole {
  /** The tunnel's interface. */
  readonly interface: string
  readonly prefix: string
}

export interface ForeignNetwork {
  readonly prefix: string
  /** A description for people, e.g. `the address 10.86.0.1/24 on bridge`. */
  readonly by: string
}

export interface ForeignPeer {
  readonly publicKey: PublicKey
  readonly interface: string
}
