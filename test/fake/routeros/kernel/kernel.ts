/** What carries a router's configuration out: nothing (on paper), or a real kernel in a namespace. */
export interface RouterKernel {
  /** Level-triggered: makes what is there what is wanted, and ends when it is. */
  readonly apply: (wanted: KernelState) => Promise<void>
  /** What WireGuard knows of an interface's peers. */
  readonly peers: (interfaceName: string) => Promise<readonly PeerFacts[]>
  readonly connections: () => Promise<readonly ConnectionFacts[]>
  /** @returns false when it is gone already. */
  readonly forgetConnection: (id: string) => Promise<boolean>
  /** Round trip in milliseconds; null: no answer. */
  readonly ping: (address: string) => Promise<number | null>
  /** Power off, power on: sessions, counters and connections are new. */
  readonly restart: () => Promise<void>
  readonly close: () => Promise<void>
}

export interface KernelState {
  readonly interfaces: readonly WireguardInterface[]
  readonly addresses: readonly { readonly address: string; readonly interface: string }[]
  readonly routes: readonly KernelRoute[]
  /** Of all menus of rules, enabled ones alone, in the order of each menu. RouterOS's own names and values. */
  readonly filter: readonly KernelRule[]
  readonly nat: readonly KernelRule[]
  readonly mangle: readonly KernelRule[]
  /** Of the table that is asked before there are connections. */
  readonly raw: readonly KernelRule[]
  readonly lists: RuleLists
}

/** What rules name instead of spelling it out: members by the list's name. */
export interface RuleLists {
  readonly interfaces: ReadonlyMap<string, readonly string[]>
  readonly addresses: ReadonlyMap<string, readonly string[]>
}

/** Of a router that nobody has configured. */
export const NO_STATE: KernelState = {
  interfaces: [],
  addresses: [],
  routes: [],
  filter: [],
  nat: [],
  mangle: [],
  raw: [],
  lists: { interfaces: new Map(), addresses: new Map() },
}

/** An enabled one. */
export interface WireguardInterface {
  readonly name: string
  readonly privateKey: string
  readonly listenPort: number
  readonly mtu: number
  /** Enabled ones. */
  readonly peers: readonly WireguardPeer[]
}

/** @public */
export interface WireguardPeer {
  readonly publicKey: string
  readonly endpoint: { readonly address: string; readonly port: number } | null
  readonly allowed: readonly string[]
  readonly keepaliveSeconds: number
}

export interface KernelRoute {
  readonly destination: string
  /** An address or an interface's name; null: a blackhole. */
  readonly gateway: string | null
  readonly source: string | null
  readonly distance: number
}

/** @public */
export type KernelRule = Readonly<Record<string, string>>

export interface PeerFacts {
  readonly publicKey: string
  readonly rxBytes: number
  readonly txBytes: number
  /** null: never. */
  readonly handshakeSeconds: number | null
  readonly endpoint: { readonly address: string; readonly port: number } | null
}

export interface ConnectionFacts {
  readonly id: string
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  /** `address:port`, or the address alone for icmp. */
  readonly source: string
  readonly destination: string
  readonly replySource: string
  readonly replyDestination: string
  readonly timeoutSeconds: number
}
