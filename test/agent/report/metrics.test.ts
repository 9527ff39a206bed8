import { expect, test } from 'vitest'
import { agentFamilies } from '../../../agent/report/metrics.ts'
import type { Status } from '../../../agent/report/status.ts'

test('the cause of an outage is a metric while it lasts', () => {
  const heartbeat = { answeredSecondsAgo: null, rttMs: null, lossRatio: 1, intervalSeconds: 5, idleBytesPerDay: 1 }
  const status = (cause: Status['tunnel']['cause']): Status => ({
    version: '0.1.0',
    home: 'cabin',
    router: { kind: 'linux', model: null, dataPlane: 'kernel', warnings: [] },
    hub: { addresses: ['203.0.113.10'], port: 51_820, registrar: 'reachable' },
    tunnel: {
      state: cause === null ? 'up' : 'offline',
      since: '2026-11-22T20:01:02Z',
      cause,
      next: null,
      remedy: null,
      notes: [],
      interface: 'hw0',
      address: '10.86.0.2/16',
      endpoint: null,
      listenPort: null,
      lastHandshakeSeconds: null,
      rxBytes: 0,
      txBytes: 0,
      mtu: 1420,
      keepaliveSeconds: 25,
      heartbeat,
    },
    mapping: {
      address: null,
      port: null,
      since: null,
      changes: 0,
      carrierNat: 'unknown',
      lifeSeconds: null,
      cutPeriod: null,
    },
    registration: { at: null, count: 0 },
    lastIncident: null,
    alerts: { channels: [] },
  })
  const samples = (cause: Status['tunnel']['cause']) =>
    agentFamilies(status(cause), { publicKey: 'hub', allowedIps: [] }, [], new Map(), new Date(0)).find(
      ({ name }) => name === 'homeward_tunnel_cause',
    )?.samples
  expect(samples('home-unknown')).toEqual([{ labels: { home: 'cabin', cause: 'home-unknown' }, value: 1 }])
  expect(samples(null)).toEqual([])
})
