import * as v from 'valibot'
import { expect, test } from 'vitest'
import { HubConfigSchema } from '../../hub/config.ts'
import type { MappingHistory } from '../../hub/mappings.ts'
import { hashOf } from '../../hub/secret.ts'
import { hubStatus } from '../../hub/status.ts'
import { EMPTY_DOCUMENT, type Home } from '../../hub/store-document.ts'
import type { Sighting } from '../../hub/witness.ts'
import { newKey } from './loopback-hub.ts'

const home: Home = {
  name: 'cabin',
  address: '10.86.0.2',
  publicKey: newKey(),
  secretHash: hashOf('hunter2'),
  lan: ['192.168.1.0/24'],
  joinedAt: '2026-11-23T10:00:00.000Z',
}

function statusWith(
  seen: Partial<Sighting> | null,
  heartbeat: number | null,
  alternatePorts: readonly number[] = [],
  history: MappingHistory | null = null,
) {
  const sighting: Sighting | null =
    seen === null
      ? null
      : { endpoint: null, lastHandshakeSeconds: null, rxBytes: 0, txBytes: 0, heardSeconds: null, ...seen }
  return hubStatus({
    config: v.parse(HubConfigSchema, { addresses: ['203.0.113.10'] }),
    identity: { publicKey: newKey(), tls: { key: 'hunter3', certificate: 'x' }, fingerprint: 'ab' },
    document: { ...EMPTY_DOCUMENT, homes: [home] },
    machine: null,
    witness: {
      sighting: () => sighting,
      endpoint: () => null,
      ageSeconds: () => 1,
      look: async () => undefined,
      watch: async () => undefined,
    },
    heartbeats: {
      heardSeconds: () => heartbeat,
      serve: () => undefined,
      close: () => undefined,
    },
    carriers: null,
    mappings: { of: () => history },
    registrations: new Map(),
    alternatePorts,
    problem: null,
    now: 0,
    today: new Date('2026-11-23T10:00:00Z'),
  })
}

test.each<readonly [string, Partial<Sighting> | null, number | null, boolean]>([
  ['a heartbeat just came', null, 3, true],
  ['the agent is dead, but keepalives still come', { heardSeconds: 20, lastHandshakeSeconds: 100 }, 4_000, true],
  [
    'nothing has come for minutes, whatever the handshake says',
    { heardSeconds: 90, lastHandshakeSeconds: 100 },
    90,
    false,
  ],
  ['nobody watched long enough and the handshake is fresh', { lastHandshakeSeconds: 100 }, null, true],
  ['nobody watched long enough and the handshake is dead', { lastHandshakeSeconds: 181 }, null, false],
  ['it was never there', {}, null, false],
  ['the machine has no such peer', null, null, false],
])('%s: connected or not', (_what, seen, heartbeat, connected) => {
  expect(statusWith(seen, heartbeat).homes[0]?.connected).toBe(connected)
})

test('an alternate port that somebody else has is noted', () => {
  const { alternatePorts, notes } = statusWith(null, null, [4500, 443])
  expect(alternatePorts).toEqual({ wanted: [4500, 443, 53], effective: [4500, 443] })
  expect(notes).toEqual([expect.stringContaining('53/udp')])
})

test('no secret and no hash of one is in it', () => {
  const text = JSON.stringify(statusWith({}, 1))
  for (const secret of ['hunter3', home.secretHash]) expect(text).not.toContain(secret)
})

test('what a carrier does each day is said; what came after the home’s own silence is not counted', () => {
  const day = (date: number, ended: 'port' | 'silence') => ({
    at: `2026-11-0${date}T03:00:00.000Z`,
    from: '198.51.100.8:1',
    to: '198.51.100.8:2',
    ended,
  })
  const history = { endpoint: '198.51.100.8:2', since: '2026-11-05T03:00:00.000Z', changes: 4 }
  const cutsOf = (recent: MappingHistory['recent']) =>
    statusWith(null, null, [], { ...history, recent }).homes[0]?.mapping?.cutPeriod
  expect(cutsOf([2, 3, 4, 5].map((date) => day(date, 'port')))).toEqual({ hours: 24 })
  expect(cutsOf([2, 3, 4, 5].map((date) => day(date, date === 4 ? 'silence' : 'port')))).toBeNull()
})
