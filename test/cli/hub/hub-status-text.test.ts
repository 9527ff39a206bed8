import { expect, test } from 'vitest'
import { hubStatusText } from '../../../cli/hub/hub-status-text.ts'
import type { HomeStatus, HubStatus } from '../../../hub/report/status.ts'

const cabin: HomeStatus = {
  name: 'cabin',
  address: '10.86.0.2',
  connected: true,
  endpoint: '198.51.100.11:40233',
  lastHandshakeSeconds: 12,
  rxBytes: 1_000_000,
  txBytes: 2_000_000,
  presence: 'heard',
  lan: ['192.168.1.0/24'],
  joinedAt: '2026-11-22T20:01:02Z',
  lastHeartbeatSeconds: 2,
  carrier: null,
  mapping: null,
  registration: { at: '2026-11-22T20:01:02Z', secondsAgo: 200, runs: null, knowsAddresses: true, count: 1 },
}

const facts = (home: Partial<HomeStatus> = {}) => {
  const status: HubStatus = {
    hub: {
      addresses: ['203.0.113.10'],
      port: 51_820,
      interface: 'hw0',
      network: '10.86.0.0/16',
      address: '10.86.0.1',
      publicKey: 'KEY',
      certificate: 'FINGERPRINT',
      model: 'Debian 12',
      dataPlane: 'kernel',
    },
    alternatePorts: { wanted: [443], effective: [443] },
    homes: [{ ...cabin, ...home }],
    invites: [{ home: 'lodge', address: '10.86.0.3', expiresAt: '2026-11-23T20:01:02Z' }],
    devices: [],
    publications: [],
    witnessSeconds: 1,
    problem: null,
    warnings: [],
    notes: [],
  }
  return { version: '0.1.0', daemon: 'running', ...status }
}

const lineOf = (text: string): string => text.split('\n').find((line) => line.startsWith('cabin')) ?? ''

test('a home that comes over TLS is shown by how long it does', () => {
  const carrier = { seconds: 90 } as NonNullable<HomeStatus['carrier']>
  // Ports of the hub itself are no endpoint (hub/presence/peer-monitor.ts).
  expect(lineOf(hubStatusText(facts({ endpoint: null, carrier }), null))).toContain('TCP for 90 s')
})

test('an invitation is good until a time of the reader’s zone', () => {
  expect(hubStatusText(facts(), null)).toContain('invited: lodge, until 2026-11-23 20:01:02 UTC')
})

test('it fits a terminal, and says there whether the home is connected and since when it was heard', () => {
  expect(lineOf(hubStatusText(facts(), null))).toMatch(/10\.86\.0\.2.*976\.6 KiB {2}1\.9 MiB {2}3 min$/)
  for (const width of [80, 100]) {
    const text = hubStatusText(facts(), width)
    expect(text.split('\n').filter((line) => line.length > width)).toEqual([])
    expect(lineOf(text)).toMatch(/^cabin .*yes .*198\.51\.100\.11:40233/)
    expect(text).toContain('HEARTBEAT')
  }
})
