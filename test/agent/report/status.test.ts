import { describe, expect, test } from 'vitest'
import type { ObservedInterface } from '../../../adapters/observation.ts'
import { makeCalendar } from '../../../system/time/calendar.ts'
import type { Watch } from '../../../agent/core/state.ts'
import { next, startWatch } from '../../../agent/core/watch.ts'
import { fellBack } from '../../../agent/core/fallback.ts'
import { type StatusFacts, statusOf } from '../../../agent/report/status.ts'
import { sampleTunnel } from '../sample-config.ts'

const wall = Date.parse('2026-11-22T20:01:02Z')
const mapping = { address: '198.51.100.11', port: 40_233 }
const settings = { heartbeatMs: 5_000, inUseMs: 1_000, jitter: 0.5, mtu: 1_420, lifeSeconds: null }

const observed: ObservedInterface = {
  name: 'hw0',
  up: true,
  mtu: 1420,
  addresses: ['10.86.0.2/16'],
  cutOff: [],
  routes: [],
  publicKey: sampleTunnel.publicKey,
  listenPort: 41_234,
  fwmark: 0,
  peers: [
    {
      publicKey: sampleTunnel.hub.publicKey,
      presharedKeyId: null,
      endpoint: { address: '203.0.113.10', port: 51_820 },
      allowedIps: ['10.86.0.0/16'],
      lastHandshakeAt: 1,
      rxBytes: 7,
      txBytes: 8,
      keepaliveSeconds: 25,
    },
  ],
}

/** Up since second 0, heartbeat answered at 0.001, registered at 0.05; it is second 1.2 now. */
function upFacts(): StatusFacts {
  let watch: Watch = startWatch(
    settings,
    { ledger: { current: null, changes: 3 }, firstSequence: 0, mtu: 1_420, helped: {} },
    0,
  )
  ;[watch] = next(watch, { kind: 'tick' }, 0)
  ;[watch] = next(watch, { kind: 'answer', sequence: 0, mapping, inUse: false, asks: false }, 0.8)
  ;[watch] = next(watch, { kind: 'registration-ended', outcome: 'done', mapping, view: null }, 50)
  return {
    version: '0.1.0',
    config: sampleTunnel,
    description: { kind: 'linux', model: 'Debian 12', version: '6.1.0', dataPlane: 'kernel', remedies: [] },
    observed: { interfaces: observed === null ? [] : [observed], warnings: [] },
    routerTrouble: null,
    lastSeen: null,
    warnings: [],
    lastHandshakeSeconds: 12.4,
    watch,
    stale: false,
    isOnTransport: false,
    cgnat: 'yes',
    lifeSeconds: 180,
    cutPeriod: { hours: 24 },
    clockBehindSeconds: null,
    published: null,
    earlierMappingSince: null,
    lastIncident: null,
    channels: [],
    now: 1_200.8,
    calendar: makeCalendar({ now: () => 1_200, wall: () => new Date(wall + 1_200) }),
  }
}

describe('status', () => {
  test('has the contract’s shape', () => {
    expect(statusOf(upFacts())).toEqual({
      version: '0.1.0',
      home: 'cabin',
      router: { kind: 'linux', model: 'Debian 12', dataPlane: 'kernel', warnings: [] },
      hub: { addresses: ['203.0.113.10', 'hub.example'], port: 51_820, registrar: 'reachable' },
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
        rxBytes: 7,
        txBytes: 8,
        mtu: 1420,
        keepaliveSeconds: 25,
        heartbeat: {
          answeredSecondsAgo: 1.2,
          rttMs: 0.8,
          lossRatio: 0,
          intervalSeconds: 5,
          idleBytesPerDay: 4_134_462,
        },
      },
      mapping: {
        ...mapping,
        since: '2026-11-22T20:01:02Z',
        changes: 3,
        carrierNat: 'yes',
        lifeSeconds: 180,
        cutPeriod: { hours: 24 },
      },
      registration: { at: '2026-11-22T20:01:02Z', count: 1 },
      lastIncident: null,
      alerts: { channels: [] },
    })
  })

  test('of an agent that has just begun says what it does not know', () => {
    const watch = startWatch(
      settings,
      { ledger: { current: null, changes: 0 }, firstSequence: 0, mtu: 1_420, helped: {} },
      1_000,
    )
    const status = statusOf({ ...upFacts(), watch, observed: null, description: null, lastHandshakeSeconds: null })
    expect(status.tunnel).toMatchObject({
      state: 'starting',
      endpoint: null,
      listenPort: null,
      lastHandshakeSeconds: null,
    })
    expect(status.tunnel.heartbeat).toMatchObject({ answeredSecondsAgo: null, rttMs: null })
    expect(status.mapping).toMatchObject({ address: null, port: null, since: null, changes: 0 })
    expect(status.registration).toEqual({ at: null, count: 0 })
    expect(status.router).toEqual({ kind: 'linux', model: null, dataPlane: null, warnings: [] })
    expect(status.hub.registrar).toBe('unknown')
  })

  test('a hub whose daemon is dead is up, with a note', () => {
    const facts = upFacts()
    const [watch] = next(facts.watch, { kind: 'tunnel-proof', carries: true }, 900)
    expect(statusOf({ ...facts, watch }).tunnel).toMatchObject({ state: 'up', notes: ['hub-daemon-silent'] })
  })

  test('a tunnel that waits for the clock says so', () => {
    expect(statusOf({ ...upFacts(), clockBehindSeconds: 90 }).tunnel.notes).toEqual(['clock-behind'])
  })

  test('one into the TLS transport says so, whatever is being tried', () => {
    const facts = upFacts()
    const watch: Watch = { ...facts.watch, fallback: fellBack('transport', mapping, 'udp-blocked', 60) }
    expect(statusOf({ ...facts, watch, isOnTransport: true }).tunnel.notes).toEqual(['tcp-carrier'])
    expect(statusOf({ ...facts, watch }).tunnel.notes).toEqual([])
  })

  test('of a router that cannot be looked at says why, and what it showed when', () => {
    const config = {
      ...sampleTunnel,
      router: { kind: 'mikrotik', host: '192.168.1.1', port: 8729, user: 'homeward', certificate: null },
    } as const
    const unseen = { ...upFacts(), config, observed: null, routerTrouble: 'router-login-refused' } as const
    expect(statusOf(unseen).tunnel.notes).toEqual(['router-login-refused'])
    expect(statusOf(unseen).router).not.toHaveProperty('lastSeen')
    const lastSeen = { observed: { interfaces: [observed] }, at: 200 }
    expect(statusOf({ ...unseen, lastSeen }).router.lastSeen).toEqual({
      at: '2026-11-22T20:01:02Z',
      interface: 'up',
      listenPort: 41_234,
      endpoint: '203.0.113.10:51820',
    })
    expect(
      statusOf({ ...unseen, lastSeen: { ...lastSeen, observed: { interfaces: [] } } }).router.lastSeen,
    ).toMatchObject({ interface: 'missing', endpoint: null })
    expect(statusOf({ ...upFacts(), config, lastSeen }).router).not.toHaveProperty('lastSeen')
  })

  test('of a loop that no longer turns says that it is old', () => {
    expect(statusOf({ ...upFacts(), stale: true }).stale).toBe(true)
    expect(statusOf(upFacts())).not.toHaveProperty('stale')
  })

  test('a mapping from before this agent keeps its beginning', () => {
    const watch = startWatch(
      settings,
      { ledger: { current: { endpoint: mapping, since: null }, changes: 3 }, firstSequence: 0, mtu: 1_420, helped: {} },
      0,
    )
    const earlierMappingSince = '2026-11-01T00:00:00Z'
    expect(statusOf({ ...upFacts(), watch, earlierMappingSince }).mapping.since).toBe(earlierMappingSince)
  })
})
