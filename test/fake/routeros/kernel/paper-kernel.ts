import { type ConnectionFacts, type KernelState, NO_STATE, type PeerFacts, type RouterKernel } from './kernel.ts'

/** A kernel on paper: what was asked of it is there at once, and the facts are what a test says they are. */
export interface PaperKernel extends RouterKernel {
  readonly state: () => KernelState
  /** What WireGuard shall say of a peer from now on. */
  readonly setPeer: (facts: PeerFacts) => void
  readonly setConnections: (connections: readonly ConnectionFacts[]) => void
}

export function paperKernel(): PaperKernel {
  let state: KernelState = NO_STATE
  let connections: readonly ConnectionFacts[] = []
  const facts = new Map<string, PeerFacts>()
  return {
    state: () => state,
    setPeer: (peer) => void facts.set(peer.publicKey, peer),
    setConnections: (all) => {
      connections = all
    },
    apply: async (wanted) => {
      state = wanted
      const there = new Set(wanted.interfaces.flatMap(({ peers }) => peers.map(({ publicKey }) => publicKey)))
      // A peer that was disabled or removed begins again.
      for (const key of facts.keys()) if (!there.has(key)) facts.delete(key)
    },
    peers: async (name) =>
      (state.interfaces.find((one) => one.name === name)?.peers ?? []).map(
        ({ publicKey, endpoint }) =>
          facts.get(publicKey) ?? { publicKey, endpoint, rxBytes: 0, txBytes: 0, handshakeSeconds: null },
      ),
    connections: async () => connections,
    forgetConnection: async (id) => {
      const before = connections.length
      connections = connections.filter((one) => one.id !== id)
      return connections.length < before
    },
    ping: async (address) => (address.startsWith('127.') ? 0.1 : null),
    restart: async () => {
      facts.clear()
      connections = []
    },
    close: async () => undefined,
  }
}
