import type { Family } from '../../system/sockets/exposition.ts'
import { wireguardFamilies } from '../../wireguard/metrics.ts'
import type { Told } from '../core/state.ts'
import type { Status } from './status.ts'

/** Counts events for whoever asks later. */
export interface RepairCounts {
  readonly tell: (action: Told) => void
  readonly all: () => readonly { readonly remedy: string; readonly helped: boolean; readonly count: number }[]
}

const STATES = [
  'starting',
  'up',
  'doubtful',
  'healing',
  'offline',
] as const satisfies readonly Status['tunnel']['state'][]

export function makeRepairCounts(): RepairCounts {
  const counts = new Map<string, { readonly remedy: string; readonly helped: boolean; readonly count: number }>()
  return {
    tell: (action) => {
      if (action.kind !== 'tell-remedy') return
      const { remedy, helped } = action.report
      const key = `${remedy} ${helped}`
      counts.set(key, { remedy, helped, count: (counts.get(key)?.count ?? 0) + 1 })
    },
    all: () => [...counts.values()],
  }
}

/** @param allowedIps those of the hub's peer. */
export function agentFamilies(
  status: Status,
  hub: { readonly publicKey: string; readonly allowedIps: readonly string[] },
  repairs: ReturnType<RepairCounts['all']>,
  incidents: ReadonlyMap<string, number>,
  now: Date,
): readonly Family[] {
  const { tunnel, mapping, home, version } = status
  const { lastHandshakeSeconds: age, heartbeat } = tunnel
  const labels = { home }
  return [
    {
      name: 'homeward_build_info',
      help: 'The version that runs',
      type: 'gauge',
      samples: [{ labels: { version, role: 'agent' }, value: 1 }],
    },
    {
      name: 'homeward_tunnel_up',
      help: '1 while heartbeats are answered; not there while the agent starts',
      type: 'gauge',
      samples: [{ labels, value: tunnel.state === 'starting' ? null : tunnel.state === 'up' ? 1 : 0 }],
    },
    {
      name: 'homeward_tunnel_state',
      help: '1 for the state of the moment',
      type: 'gauge',
      samples: STATES.map((state) => ({ labels: { home, state }, value: state === tunnel.state ? 1 : 0 })),
    },
    {
      name: 'homeward_tunnel_cause',
      help: '1 for the cause of the outage that lasts; none while nothing is proven',
      type: 'gauge',
      samples: tunnel.cause === null ? [] : [{ labels: { home, cause: tunnel.cause }, value: 1 }],
    },
    {
      name: 'homeward_probe_rtt_seconds',
      help: 'Round trip of the last answered heartbeat',
      type: 'gauge',
      samples: [{ labels, value: heartbeat.rttMs === null ? null : heartbeat.rttMs / 1_000 }],
    },
    {
      name: 'homeward_probe_loss_ratio',
      help: 'Lost heartbeats among the last ones',
      type: 'gauge',
      samples: [{ labels, value: heartbeat.lossRatio }],
    },
    {
      name: 'homeward_repairs_total',
      help: 'Remedies carried out since the agent began',
      type: 'counter',
      samples: repairs.map(({ remedy, helped, count }) => ({
        labels: { home, action: remedy, result: helped ? 'helped' : 'failed' },
        value: count,
      })),
    },
    {
      name: 'homeward_mapping_changes_total',
      help: 'How often the carrier gave the tunnel another mapping',
      type: 'counter',
      samples: [{ labels, value: mapping.changes }],
    },
    {
      name: 'homeward_incidents_total',
      help: 'Incidents that are over, since the agent began',
      type: 'counter',
      samples: [...incidents].map(([cause, value]) => ({ labels: { home, cause }, value })),
    },
    ...wireguardFamilies([
      {
        interface: tunnel.interface,
        publicKey: hub.publicKey,
        allowedIps: hub.allowedIps,
        friendlyName: 'hub',
        rxBytes: tunnel.rxBytes,
        txBytes: tunnel.txBytes,
        lastHandshakeAt: age === null ? null : Math.round(now.getTime() / 1_000 - age),
      },
    ]),
  ]
}
