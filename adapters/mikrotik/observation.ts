import type { PublicKey } from '../../wireguard/keys.ts'
import type { Observation } from '../observation.ts'

/** What the plan needs to know of a router beyond what all machines are asked for. */
export interface RouterObservation extends Observation {
  /** The name that the tunnel's interface lost: somebody gave it another. null: nobody did. */
  readonly lostName: string | null
  /** Prefixes that our own routes lead nowhere while the tunnel is away. */
  readonly blackholes: readonly string[]
  /** Networks that are led somewhere by what is not ours. */
  readonly foreignNetworks: readonly ForeignNetwork[]
  /** Keys of peers of other interfaces: RouterOS takes each key once. */
  readonly foreignPeers: readonly ForeignPeer[]
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
