/** What became of packets of our own on a machine, by the kernel's own account. */
export interface PacketFate {
  /** Packets that came to the outer interfaces, counted before every table; null: they could not be counted there. */
  readonly arrived: number | null
  readonly end: FateEnd
  /** The rule that decided, where the kernel named it. */
  readonly rule: DecidingRule | null
  /** The place to which they were led instead, e.g. `10.0.0.2:51820 by eth0`; null: nowhere else, or it is not known. */
  readonly to: string | null
}

type FateEnd =
  /** They were counted, and there were none: they were lost before this machine. */
  | 'nothing-arrived'
  /** They came to the program, or the tunnel, that they were for. */
  | 'delivered'
  /** They were led elsewhere. */
  | 'led-away'
  /** A rule of this machine dropped them. */
  | 'dropped'
  /** They came to this machine and nobody says what became of them. */
  | 'lost'
  /** Nothing can be said. */
  | 'unknown'

/** One rule of a firewall, in its program's words. */
export interface DecidingRule {
  /** `ip filter` of nftables, or `iptables-legacy filter`. */
  readonly table: string
  readonly chain: string
  /** The rule, or `policy drop`. */
  readonly rule: string
}

/** How far packets get on their way to another machine, by the routers that report them. */
export interface HopEvidence {
  /** The farthest router that reported a datagram; null: none did. */
  readonly datagrams: Hop | null
  /** The same of connections to a TCP port that is open. */
  readonly connections: {
    readonly farthest: Hop | null
    /** The routers on the way there, by the least TTL with which one is answered; null: none is. */
    readonly routers: number | null
  }
  /**
   * The nearest router behind that of the datagrams which reported connections again and again, and no datagram that came
   * right before them: they got lost between the two. null: none is known to.
   */
  readonly missed: Hop | null
}

export interface Hop {
  /** Counted from this machine: 1 is its own router. */
  readonly number: number
  readonly address: string
}
