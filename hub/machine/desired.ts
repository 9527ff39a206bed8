import type { DeviceLimit, RouteSpec, TunnelSpec } from '../../adapters/spec.ts'
import { isIn } from '../../net/prefix.ts'
import { ECHO_FLOW } from '../../protocol/datagrams/echo.ts'
import { HEARTBEAT_PORT } from '../../protocol/datagrams/heartbeat.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import { presharedKeyId } from '../../wireguard/preshared-id.ts'
import type { Endpoint, PeerSpec } from '../../wireguard/spec.ts'
import type { HubConfig } from '../settings/config.ts'
import { exitHome, reachOf } from '../core/devices.ts'
import { forwardedPorts, type KeptPorts, NONE_BUT_22 } from '../core/forwarded-ports.ts'
import type { Device, Home, StoreDocument } from '../core/store-document.ts'
import { hubInterfaceAddress } from '../core/tunnel-network.ts'

/**
 * The state that the hub's machine should have. Pure.
 * @param placeOf the endpoint for a peer that WireGuard does not know; null: leave it as it is.
 * @param kept ports that no publication takes.
 */
export function desiredTunnel(
  config: HubConfig,
  publicKey: PublicKey,
  document: StoreDocument,
  alternatePorts: readonly number[],
  placeOf: (publicKey: PublicKey) => Endpoint | null = () => null,
  kept: KeptPorts = NONE_BUT_22,
): TunnelSpec {
  const { homes, devices, publications } = document
  const exit = exitHome(document)
  return {
    interface: config.interface,
    publicKey,
    address: hubInterfaceAddress(config.network),
    mtu: config.mtu,
    listenPort: config.port,
    peers: [
      ...homes.map((home) => ({ ...homePeer(home, home.name === exit), endpoint: placeOf(home.publicKey) })),
      ...devices.map((device) => ({ ...devicePeer(device), endpoint: placeOf(device.publicKey) })),
    ].sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1)),
    routes: homes.flatMap((home) => routesTo(home, config)).sort((a, b) => (a.prefix < b.prefix ? -1 : 1)),
    forwarding: {
      role: 'hub',
      alternatePorts,
      echo: ECHO_FLOW,
      heartbeatPort: HEARTBEAT_PORT,
      devices: addressesOf(devices.filter((device) => reachOf(device) === null && device.to === undefined)),
      limited: limitsOf(homes, devices),
      full: addressesOf(devices.filter((device) => device.full === true)),
      exits: addressesOf(devices.filter((device) => exit !== null && device.exit === exit)),
      lans: [...new Set(homes.flatMap(({ lan }) => lan))].sort(),
      ownServices: {
        open: config.open,
        sshPorts: [...kept.ssh].sort((a, b) => a - b),
        ownerDevices: addressesOf(devices.filter(({ home }) => home === null)),
      },
      published: forwardedPorts(publications, kept).ports,
    },
  }
}

function addressesOf(devices: readonly Device[]): readonly string[] {
  return devices.map((device) => device.address).sort()
}

/** Rules that limit devices; devices that may reach the same homes share one, as do those with the same services. */
function limitsOf(homes: readonly Home[], devices: readonly Device[]): readonly DeviceLimit[] {
  const groups = new Map<string, Device[]>()
  for (const device of devices) {
    const reach = reachOf(device)
    if (reach === null && device.to === undefined) continue
    const key = JSON.stringify([reach, device.to ?? null])
    groups.set(key, [...(groups.get(key) ?? []), device])
  }
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, group]) => {
      const [first] = group
      if (first === undefined) return []
      const reach = reachOf(first)
      const reached = homes.filter((home) => reach === null || reach.includes(home.name))
      const prefixes = reached.flatMap(({ address, lan }) => [`${address}/32`, ...lan]).sort()
      if (first.to === undefined) return prefixes.length === 0 ? [] : [{ devices: addressesOf(group), prefixes }]
      const services = first.to.filter(({ address }) => isIn(address, prefixes))
      return services.length === 0 ? [] : [{ devices: addressesOf(group), prefixes: [], services }]
    })
}

/** A home as a peer of the hub's interface. @param isExit internet traffic goes to it, where a rule routes it so. */
export function homePeer({ publicKey, address, lan }: Home, isExit = false): PeerSpec {
  return {
    publicKey,
    presharedKeyId: null,
    // Homes dial in; their endpoint is for the hub to see, not to set.
    endpoint: null,
    allowedIps: [`${address}/32`, ...lan, ...(isExit ? ['0.0.0.0/0'] : [])].sort(),
    keepaliveSeconds: 0,
  }
}

/** The tunnel's prefix routes to a home already; only an MTU smaller than the hub's needs a route of its own. */
function routesTo(home: Home, config: HubConfig): readonly RouteSpec[] {
  const mtu = home.mtu !== undefined && home.mtu < config.mtu ? home.mtu : null
  return [...(mtu === null ? [] : [`${home.address}/32`]), ...home.lan].map((prefix) => ({ prefix, mtu }))
}

/** A device as a peer of the hub's interface. */
export function devicePeer({ publicKey, presharedKey, address }: Device): PeerSpec {
  return {
    publicKey,
    presharedKeyId: presharedKeyId(presharedKey),
    endpoint: null,
    allowedIps: [`${address}/32`],
    keepaliveSeconds: 0,
  }
}
