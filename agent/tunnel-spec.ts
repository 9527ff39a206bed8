import type { TunnelSpec } from '../adapters/adapter.ts'
import { type Endpoint } from '../wireguard/spec.ts'
import { type AgentConfig, firstHub } from './config.ts'
import type { Line } from './line-memory.ts'

/**
 * The tunnel as agent.yaml wants it, and as the line can bear it.
 * @param hubLiterals the hub's addresses, best first; never empty.
 * @param current where the interface sends now: kept while it is one of the hub's ways, so that nothing is disturbed.
 */
export function tunnelSpec(
  config: AgentConfig,
  hubLiterals: readonly string[],
  current: Endpoint | null,
  line: Line,
): TunnelSpec {
  const hub = firstHub(config)
  const [first] = hubLiterals
  if (first === undefined) throw new TypeError('a hub without an address')
  const ports = [hub.port, ...hub.alternatePorts]
  const isKnown = current !== null && hubLiterals.includes(current.address) && ports.includes(current.port)
  return {
    interface: config.interface,
    publicKey: config.publicKey,
    address: tunnelAddress(config),
    mtu: tunnelMtu(config, line),
    listenPort: null,
    peers: [
      {
        publicKey: hub.publicKey,
        presharedKeyId: null,
        endpoint: isKnown ? current : { address: first, port: hub.port },
        allowedIps: [hub.network],
        keepaliveSeconds: config.keepaliveSeconds,
      },
    ],
    // The address's own prefix leads the whole tunnel network there.
    routes: [],
    forwarding: { role: 'home', lan: [...config.lan.prefixes].sort(), mode: config.lan.mode },
  }
}

/** Bytes. What the line has taught lowers it, never raises it. */
function tunnelMtu(config: AgentConfig, line: Line): number {
  return Math.min(config.mtu, line.mtu ?? config.mtu)
}

/** With the prefix length of the tunnel's network, e.g. 10.86.0.2/16. */
export function tunnelAddress(config: AgentConfig): string {
  const hub = firstHub(config)
  return `${hub.address}/${hub.network.split('/')[1]}`
}
