import * as v from 'valibot'
import { expect, test } from 'vitest'
import { HubConfigSchema } from '../../../hub/settings/config.ts'
import type { MappingHistory } from '../../../hub/presence/kept/mappings.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import { hubFamilies } from '../../../hub/report/metrics.ts'
import { hubSnapshot } from '../../../hub/report/hub-snapshot.ts'
import { noHandOver } from '../../../hub/core/hand-over.ts'
import { hubStatus } from '../../../hub/report/status.ts'
import { EMPTY_DOCUMENT, type Home } from '../../../hub/core/store-document.ts'
import { type Heard, listening, memoryOnly } from '../heard-home.ts'
import { newKey } from '../loopback-hub.ts'

const home: Home = {
  name: 'cabin',
  address: '10.86.0.2',
  publicKey: newKey(),
  secretHash: hashOf('hunter2'),
  lan: ['192.168.1.0/24'],
  joinedAt: '2026-11-23T10:00:00.000Z',
}

const key = newKey()
const identity = {
  publicKey: key,
  firstKey: key,
  tls: { key: 'hunter3', certificate: 'x' },
  fingerprint: 'ab',
  handOver: noHandOver({ certificate: 'ab', publicKey: key }),
}

function statusWith(
  heard: Partial<Heard> = {},
  alternatePorts: readonly number[] = [],
  history: MappingHistory | null = null,
  scene = listening(),
) {
  scene.hears(heard)
  return hubStatus({
    config: v.parse(HubConfigSchema, { addresses: ['203.0.113.10'] }),
    identity,
    document: { ...EMPTY_DOCUMENT, homes: [home] },
    machine: null,
    peerMonitor: {
      statsOf: () => null,
      endpoint: () => null,
      ageSeconds: () => 1,
      look: async () => undefined,
      watch: async () => undefined,
    },
    heartbeats: null,
    presences: scene.presences,
    transports: null,
    mappings: { of: () => history },
    registrations: new Map(),
    alternatePorts,
    problem: null,
    warnings: [],
    now: 0,
    today: new Date('2026-11-23T10:00:00Z'),
  })
}

test.each<readonly [string, Partial<Heard>, 'runs' | 'does not run', 'awaited' | 'heard' | 'dark']>([
  ['a heartbeat just came', { heartbeat: 3 }, 'runs', 'heard'],
  [
    'the agent is dead, but keepalives still come',
    { wireguard: 20, handshake: 100, heartbeat: 4_000 },
    'runs',
    'heard',
  ],
  ['nothing has come, whatever the handshake says', { wireguard: 90, handshake: 100, heartbeat: 90 }, 'runs', 'dark'],
  ['nobody watched long enough and the handshake is fresh', { handshake: 100 }, 'runs', 'heard'],
  ['nobody watched long enough and the handshake is dead', { handshake: 181 }, 'runs', 'awaited'],
  ['nobody watches and the handshake is fresh', { handshake: 100 }, 'does not run', 'heard'],
  ['nobody watches and the handshake is dead', { handshake: 181 }, 'does not run', 'dark'],
  ['it was never there', {}, 'runs', 'awaited'],
  ['it was never there, and nobody watches', {}, 'does not run', 'awaited'],
])('%s: whether it is there', (_what, heard, daemon, presence) => {
  const scene = listening(memoryOnly(), daemon)
  expect(statusWith(heard, [], null, scene).homes[0]).toMatchObject({ presence, connected: presence === 'heard' })
})

test('a home that is awaited is neither up nor down to those who watch from outside', () => {
  const scene = listening()
  scene.clock.turn(3_600_000)
  const status = statusWith({}, [], null, scene)
  expect(hubSnapshot(status, '1', new Date()).homes).toMatchObject([{ isUp: null, state: 'awaited', cause: null }])
  const upSamples = () =>
    hubFamilies(statusWith({}, [], null, scene), { ...EMPTY_DOCUMENT, homes: [home] }, new Map(), '1', new Date()).find(
      ({ name }) => name === 'homeward_tunnel_up',
    )?.samples
  expect(upSamples()).toMatchObject([{ value: null }])
  scene.hears({ heartbeat: 1 })
  expect(upSamples()).toMatchObject([{ value: 1 }])
  scene.clock.turn(60_000)
  scene.hears({ heartbeat: 61 })
  expect(upSamples()).toMatchObject([{ value: 0 }])
})

test('metrics have what checks prove, and nothing where they do not know', () => {
  const since = '2026-11-30T03:12:05.000Z'
  const states = ['proven', 'failing', 'unknown', undefined] as const
  const publications = states.map((state, index) => ({
    protocol: 'tcp' as const,
    port: 443 + index,
    lastPort: 443 + index,
    address: '192.168.1.20',
    targetPort: 443,
    source: 'hide' as const,
    home: 'cabin',
    addedAt: since,
    ...(state === undefined ? {} : { standing: { state, since, provenAt: null } }),
  }))
  const families = hubFamilies({ ...statusWith(), publications }, EMPTY_DOCUMENT, new Map(), '1', new Date())
  expect(families.find(({ name }) => name === 'homeward_publication_proven')?.samples).toEqual([
    { labels: { home: 'cabin', port: '443/tcp' }, value: 1 },
    { labels: { home: 'cabin', port: '444/tcp' }, value: 0 },
    { labels: { home: 'cabin', port: '445/tcp' }, value: null },
    { labels: { home: 'cabin', port: '446/tcp' }, value: null },
  ])
})

test('an alternate port that somebody else has is noted', () => {
  const { alternatePorts, notes } = statusWith({}, [4500, 443])
  expect(alternatePorts).toEqual({ wanted: [4500, 443, 53], effective: [4500, 443] })
  expect(notes).toEqual([expect.stringContaining('53/udp')])
})

test('no secret and no hash of one is in it', () => {
  const text = JSON.stringify(statusWith({ heartbeat: 1 }))
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
    statusWith({}, [], { ...history, recent }).homes[0]?.mapping?.cutPeriod
  expect(cutsOf([2, 3, 4, 5].map((date) => day(date, 'port')))).toEqual({ hours: 24 })
  expect(cutsOf([2, 3, 4, 5].map((date) => day(date, date === 4 ? 'silence' : 'port')))).toBeNull()
})
