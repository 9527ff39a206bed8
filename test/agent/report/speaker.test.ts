import { expect, test } from 'vitest'
import type { Health } from '../../../agent/core/evidence/health.ts'
import { startWatch } from '../../../agent/core/watch.ts'
import { speakerOf } from '../../../agent/report/speaker.ts'
import type { TunnelReading } from '../../../agent/tunnel/reading.ts'
import { settings } from '../core/judged/simulation.ts'
import { sampleTunnel } from '../sample-config.ts'

const UP: Health = { kind: 'up', since: 0, provenAt: 0 }
const OFFLINE: Health = { kind: 'offline', since: 0, cause: null }
const DOUBTFUL: Health = { kind: 'doubtful', since: 0 }

function reading(name: string, health: Health): TunnelReading {
  const beginning = { ledger: { current: null, changes: 0 }, firstSequence: 0, mtu: 1_420, helped: {} }
  return {
    config: { ...sampleTunnel, interface: name },
    watch: { ...startWatch(settings, beginning, 0), health },
    stale: false,
    description: null,
    observed: null,
    routerTrouble: null,
    lastSeen: null,
    peer: null,
    warnings: [],
    lastHandshakeSeconds: null,
    isOnTransport: false,
    cgnat: 'unknown',
    cutPeriod: null,
    published: null,
    earlierMappingSince: null,
  }
}
const speaks = (...tunnels: readonly TunnelReading[]) => speakerOf(tunnels)?.config.interface ?? null

test('the first tunnel that is up speaks for the home', () => {
  expect(speaks(reading('hw0', OFFLINE), reading('hw1', UP), reading('hw2', UP))).toBe('hw1')
})

test('where none is up the first one does', () => {
  expect(speaks(reading('hw0', DOUBTFUL), reading('hw1', OFFLINE))).toBe('hw0')
})

test('a home that has no tunnel yet has nobody to speak for it', () => {
  expect(speaks()).toBeNull()
})
