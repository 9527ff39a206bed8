import type { HubWord } from '../protocol/echo.ts'
import { HEARTBEAT_PORT } from '../protocol/heartbeat.ts'
import type { AddDeviceAnswer, HubView, JoinAnswer } from '../protocol/messages.ts'
import type { PublicKey } from '../wireguard/keys.ts'
import { PERSISTENT_KEEPALIVE_SECONDS } from '../wireguard/timers.ts'
import type { HubConfig } from './config.ts'
import type { Device, Home, StoreDocument } from './store-document.ts'
import { hubAddressIn } from './tunnel-network.ts'
import type { Sighting } from './witness.ts'

/** Phones roam into networks that carry less than 1500 bytes (LTE, DS-Lite); 1280 passes wherever IPv6 does (RFC 8200, 5). */
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
  seen: Sighting | null,
  lastHeartbeatSeconds: number | null,
  { heardSeconds, initiatedSeconds }: Pick<HubWord, 'heardSeconds' | 'initiatedSeconds'>,
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

/** A home's device reaches that home's LAN, the hub's own devices reach all of them. */
export function deviceAnswer(
  device: Device,
  config: HubConfig,
  hubPublicKey: PublicKey,
  homes: StoreDocument['homes'],
): AddDeviceAnswer {
  const lans = homes.filter((home) => device.home === null || device.home === home.name).flatMap((home) => home.lan)
  return {
    name: device.name,
    address: device.address,
    mtu: Math.min(DEVICE_MTU, config.mtu),
    endpoint: { address: config.addresses[0] ?? '', port: config.port },
    hubPublicKey,
    allowedIps: [config.network, ...lans.sort()],
    keepaliveSeconds: PERSISTENT_KEEPALIVE_SECONDS,
  }
}
