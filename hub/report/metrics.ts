import type { Family } from '../../system/sockets/exposition.ts'
import { rangeText } from '../../protocol/publications.ts'
import { type MeasuredPeer, wireguardFamilies } from '../../wireguard/metrics.ts'
import { devicePeer, homePeer } from '../machine/desired.ts'
import type { HubStatus } from './status.ts'
import type { StoreDocument } from '../core/store-document.ts'

/** All homes and devices, as the hub sees them. */
export function hubFamilies(
  status: HubStatus,
  { homes, devices }: StoreDocument,
  incidents: ReadonlyMap<string, number>,
  version: string,
  now: Date,
): readonly Family[] {
  const specs = new Map([
    ...homes.map((home) => [home.name, homePeer(home)] as const),
    ...devices.map((device) => [device.name, devicePeer(device)] as const),
  ])
  const peers = [...status.homes, ...status.devices].flatMap((peer): readonly MeasuredPeer[] => {
    const { lastHandshakeSeconds: age, rxBytes, txBytes, name } = peer
    const spec = specs.get(name)
    if (spec === undefined) return []
    const { publicKey, allowedIps } = spec
    const lastHandshakeAt = age === null ? null : Math.round(now.getTime() / 1_000 - age)
    return [
      { interface: status.hub.interface, publicKey, allowedIps, friendlyName: name, rxBytes, txBytes, lastHandshakeAt },
    ]
  })
  const ofHomes = (valueOf: (home: HubStatus['homes'][number]) => number | null) =>
    status.homes.map((home) => ({ labels: { home: home.name }, value: valueOf(home) }))
  return [
    {
      name: 'homeward_build_info',
      help: 'The version that runs',
      type: 'gauge',
      samples: [{ labels: { version, role: 'hub' }, value: 1 }],
    },
    {
      name: 'homeward_tunnel_up',
      help: '1 while the hub hears the home; not there before it was heard once',
      type: 'gauge',
      samples: ofHomes(({ presence }) => ({ awaited: null, heard: 1, dark: 0 })[presence]),
    },
    {
      name: 'homeward_heartbeat_age_seconds',
      help: 'Since the last heartbeat of the home',
      type: 'gauge',
      samples: ofHomes(({ lastHeartbeatSeconds }) => lastHeartbeatSeconds),
    },
    {
      name: 'homeward_mapping_changes_total',
      help: 'How often the carrier gave the tunnel another mapping',
      type: 'counter',
      samples: ofHomes(({ mapping }) => mapping?.changes ?? null),
    },
    {
      name: 'homeward_publication_proven',
      help: '1 while the hub’s own checks prove the published port, 0 while they fail; not there while neither is so',
      type: 'gauge',
      samples: status.publications.map((one) => ({
        labels: { home: one.home, port: rangeText(one) },
        value: one.standing === undefined ? null : { proven: 1, failing: 0, unknown: null }[one.standing.state],
      })),
    },
    {
      name: 'homeward_incidents_total',
      help: 'Incidents of all homes that are over, since the daemon began',
      type: 'counter',
      samples: [...incidents].map(([cause, value]) => ({ labels: { cause }, value })),
    },
    ...wireguardFamilies(peers),
  ]
}
