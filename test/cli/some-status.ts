import type { Status } from '../../agent/report/status.ts'

/** Of a home that is well. */
export const status: Status = {
  version: '0.1.0',
  home: 'cabin',
  router: { kind: 'linux', model: 'Debian 12', dataPlane: 'kernel', warnings: [] },
  hub: { addresses: ['203.0.113.10'], port: 51_820, registrar: 'reachable' },
  tunnel: {
    state: 'up',
    since: '2026-11-22T20:01:02Z',
    cause: null,
    next: null,
    remedy: null,
    notes: [],
    interface: 'hw0',
    address: '10.86.0.2/16',
    endpoint: '203.0.113.10:51820',
    listenPort: 41_234,
    lastHandshakeSeconds: 12,
    rxBytes: 1,
    txBytes: 2_048,
    mtu: 1420,
    keepaliveSeconds: 25,
    heartbeat: { answeredSecondsAgo: 1.2, rttMs: 0.8, lossRatio: 0.02, intervalSeconds: 5, idleBytesPerDay: 3_978_547 },
  },
  mapping: {
    address: '198.51.100.11',
    port: 40_233,
    since: null,
    changes: 3,
    carrierNat: 'yes',
    lifeSeconds: null,
    cutPeriod: { hours: 24 },
  },
  registration: { at: '2026-11-22T20:01:02Z', count: 4 },
  lastIncident: null,
  alerts: { channels: [] },
}
