import type { PeerView } from '../../protocol/datagrams/echo.ts'
import { HEARTBEAT_PORT } from '../../protocol/datagrams/heartbeat.ts'
import type { AddDeviceAnswer, DeviceList, HubView, JoinAnswer } from '../../protocol/messages.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import { PERSISTENT_KEEPALIVE_SECONDS } from '../../wireguard/timers.ts'
import type { HubConfig } from '../settings/config.ts'
import { hostsOf, type HubKeys, namesOldKey, neededFile } from '../core/device-files.ts'
import { isExpired, reachOf } from '../core/devices.ts'
import type { Device, Home, StoreDocument } from '../core/store-document.ts'
import { hubAddressIn } from '../core/tunnel-network.ts'
import type { PeerStats } from '../presence/peer-monitor.ts'

/** MTU of devices: phones roam into networks below 1500 (LTE, DS-Lite); 1280 passes where IPv6 does (RFC 8200, 5). */
const DEVICE_MTU = 1280

export function joinAnswer(
  home: Home,
  config: HubConfig,
  hubPublicKey: PublicKey,
  alternatePorts: readonly number[],
): JoinAnswer {
  return {
    home: home.name,
    address: home.address,
    network: config.network,
    hubAddress: hubAddressIn(config.network),
    heartbeatPort: HEARTBEAT_PORT,
    hubPublicKey,
    port: config.port,
    alternatePorts: [...alternatePorts],
    lan: [...home.lan],
    mtu: config.mtu,
  }
}

export function hubView(
  seen: PeerStats | null,
  lastHeartbeatSeconds: number | null,
  { heardSeconds, initiatedSeconds }: Pick<PeerView, 'heardSeconds' | 'initiatedSeconds'>,
): HubView {
  return {
    peerKnown: seen !== null,
    endpoint: seen?.endpoint ?? null,
    lastHandshakeSeconds: seen?.lastHandshakeSeconds ?? null,
    rxBytes: seen?.rxBytes ?? 0,
    txBytes: seen?.txBytes ?? 0,
    lastHeartbeatSeconds,
    heardSeconds,
    initiatedSeconds,
  }
}

/** A device as it is listed. */
export function deviceEntry(
  device: Device,
  seen: PeerStats | null,
  document: StoreDocument,
  network: string,
  keys: HubKeys,
  now: Date,
): DeviceList['devices'][number] {
  const { name, address, publicKey, home, addedAt, expiresAt = null, full = false, exit = null, to, file } = device
  const isOldKey = namesOldKey(device, keys)
  const needed = file === undefined && !isOldKey ? null : neededFile(device, document, network)
  const reach = reachOf(device)
  return {
    name,
    address,
    publicKey,
    home,
    addedAt,
    lastHandshakeSeconds: seen?.lastHandshakeSeconds ?? null,
    rxBytes: seen?.rxBytes ?? 0,
    txBytes: seen?.txBytes ?? 0,
    homes: reach === null ? null : [...reach],
    expiresAt,
    expired: isExpired(device, now),
    full,
    exit,
    to: to === undefined ? null : [...to],
    needs:
      needed === null
        ? null
        : {
            address: needed.address,
            allowedIps: [...needed.allowedIps],
            hubPublicKey: isOldKey ? keys.publicKey : null,
          },
  }
}

/** The homes that the device may reach, and how. */
export function deviceAnswer(
  device: Device,
  config: HubConfig,
  hubPublicKey: PublicKey,
  homes: StoreDocument['homes'],
): AddDeviceAnswer {
  const reach = reachOf(device)
  const reached = homes.filter((home) => reach === null || reach.includes(home.name))
  return {
    name: device.name,
    address: device.address,
    // The MTU of the narrowest line on its path: nobody has to fragment or drop then.
    mtu: Math.min(DEVICE_MTU, config.mtu, ...reached.map((home) => home.mtu ?? config.mtu)),
    endpoint: { address: config.addresses[0] ?? '', port: config.port },
    hubPublicKey,
    allowedIps:
      device.to === undefined
        ? [config.network, ...reached.flatMap((home) => home.lan).sort()]
        : [...hostsOf(device.to)],
    keepaliveSeconds: PERSISTENT_KEEPALIVE_SECONDS,
    services: device.to?.length ?? 0,
  }
}
