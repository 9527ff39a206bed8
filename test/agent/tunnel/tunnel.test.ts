import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Adapter } from '../../../adapters/adapter.ts'
import { fellBack } from '../../../agent/core/fallback.ts'
import { keepLastWay, readLastWay } from '../../../agent/memory/last-way.ts'
import type { ClockGuard } from '../../../agent/memory/clock-guard.ts'
import type { NewEvent } from '../../../agent/memory/events.ts'
import { type UplinkMemory, UNKNOWN_UPLINK } from '../../../agent/memory/uplink-memory.ts'
import type { TunnelConfig } from '../../../agent/settings/config.ts'
import type { EffectsContext } from '../../../agent/tunnel/effects.ts'
import type { LoopEffects } from '../../../agent/tunnel/loop.ts'
import { rememberWay } from '../../../agent/tunnel/resume-way.ts'
import { makeSettings, type Settings } from '../../../agent/tunnel/settings/settings.ts'
import { openTunnel, type TunnelDeps } from '../../../agent/tunnel/tunnel.ts'
import { Problem } from '../../../problems/problem.ts'
import { makeLog } from '../../../system/process/log.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { type HeartbeatHub, startHeartbeatHub } from '../probes/heartbeat-hub.ts'
import { sampleTunnel } from '../sample-config.ts'

const log = makeLog('agent')
log.level = 'silent'

let folder: string
let hub: HeartbeatHub
let ending: AbortController
let running: Promise<void>
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
  hub = await startHeartbeatHub()
  ending = new AbortController()
  running = Promise.resolve()
})
afterEach(async () => {
  ending.abort()
  await running
  await hub.close()
  await rm(folder, { recursive: true })
})

/** A router that lets nobody in: what is asked of it fails at once. */
const refusing = (): never => {
  throw new Problem('router-unreachable', { what: 'asking the router', why: 'it is away' })
}
const adapter = {
  observe: async () => refusing(),
  describe: async () => refusing(),
  close: async () => undefined,
} as unknown as Adapter

const uplink: UplinkMemory = { current: UNKNOWN_UPLINK, change: async () => null }
const clockGuard: ClockGuard = {
  hold: async () => undefined,
  behindSeconds: () => null,
  heard: () => undefined,
  run: async () => undefined,
}

function loopback(change: Partial<TunnelConfig> = {}): TunnelConfig {
  const near = { address: '127.0.0.1', hubAddress: '127.0.0.1', heartbeatPort: hub.port, addresses: ['127.0.0.1'] }
  return { ...sampleTunnel, hub: { ...sampleTunnel.hub, ...near }, ...change }
}

/** Does nothing but answer. */
const answering: LoopEffects = {
  register: async () => ({ kind: 'registration-ended', outcome: 'done', mapping: null, view: null }),
  askEchoes: () => new Promise(() => undefined),
  askSizes: () => new Promise(() => undefined),
  testUplink: () => new Promise(() => undefined),
  proveTunnel: () => new Promise(() => undefined),
  remedy: () => new Promise(() => undefined),
  reconcile: () => undefined,
  closeTransport: () => undefined,
  record: () => undefined,
}

function open(more: Partial<TunnelDeps> = {}) {
  const notes: NewEvent[] = []
  const tunnel = openTunnel(
    {
      version: '0.2.0',
      paths: { configDir: folder, stateDir: folder, runtimeDir: folder },
      settings: makeSettings(loopback(), null),
      adapter,
      events: { lastMapping: () => null, mappingTimes: () => [] },
      uplink,
      clockGuard,
      recorder: { record: () => undefined, registered: () => undefined },
      note: (event) => void notes.push(event),
      routerAnswered: () => undefined,
      takeChannels: () => undefined,
      clock: systemClock,
      log,
      effects: () => answering,
      ...more,
    },
    ending.signal,
  )
  return { tunnel, notes }
}

/** All that hands are given, used while the tunnel is still being made. */
function eager(context: EffectsContext, signal: AbortSignal): LoopEffects {
  expect(context.registering().config).toBe(context.config())
  context.notice({ kind: 'described', canForgetFlow: true })
  context.notice({ kind: 'transport-lost' })
  context.reconcile()
  context.follow()
  void context.apply(signal).catch(() => undefined)
  void context.registrationMutex.runExclusive(async () => undefined)
  context.heardTime(new Date().toISOString())
  context.recorder.registered('start', { outcome: 'done', mapping: null, answer: null, problem: null })
  return answering
}

test('counts its heartbeats from a number that nobody knows', () => {
  const numbers = Array.from({ length: 4 }, () => open().tunnel.look().watch.heartbeats.nextSequence)
  expect(new Set(numbers).size).toBe(4)
  expect(Math.max(...numbers)).toBeGreaterThan(2 ** 20)
})

describe('a tunnel whose surroundings call back while it is made', () => {
  test('works when its hands do, and weighs what they said', async () => {
    const { tunnel } = open({ effects: eager })
    running = tunnel.run(ending.signal)
    await vi.waitFor(() => expect(tunnel.look().watch.health.kind).toBe('up'))
    expect(tunnel.look().watch.canForgetFlow).toBe(true)
  })

  test('works when its settings do', async () => {
    const settings = makeSettings(loopback(), null)
    const changing: Settings = {
      ...settings,
      get current() {
        return settings.current
      },
      onChange: (changed) => {
        settings.onChange(changed)
        settings.take(loopback({ economy: true }))
      },
    }
    const { tunnel } = open({ settings: changing })
    running = tunnel.run(ending.signal)
    await vi.waitFor(() => expect(tunnel.look().watch.health.kind).toBe('up'))
    expect(tunnel.look().watch.settings.heartbeatMs).toBe(25_000)
  })
})

describe('a tunnel that fell back', () => {
  const { hub: its } = sampleTunnel
  const fallback = { hub: its.publicKey, on: 'endpoint', endpoint: { address: '127.0.0.1', port: 443 } } as const

  test('begins with the way that worked last, and goes back from there', async () => {
    await keepLastWay(folder, { ...fallback, cause: 'port-blocked' })
    const { tunnel } = open()
    running = tunnel.run(ending.signal)
    await vi.waitFor(() => expect(tunnel.look().watch.fallback?.current.port).toBe(443))
  })

  test.each([
    ['another hub’s', { ...fallback, hub: sampleTunnel.publicKey, cause: 'port-blocked' }],
    [
      'the TLS transport, which nobody answers',
      { hub: its.publicKey, on: 'transport', endpoint: null, cause: 'udp-blocked' },
    ],
  ] as const)('begins as ever where that way is %s', async (_whose, way) => {
    await keepLastWay(folder, way)
    const { tunnel } = open()
    running = tunnel.run(ending.signal)
    await vi.waitFor(() => expect(tunnel.look().watch.health.kind).toBe('up'))
    expect(tunnel.look().watch.fallback).toBeNull()
  })

  test('remembers the way for the next agent, and forgets it when it is back', async () => {
    const onOther = fellBack('endpoint', fallback.endpoint, 'flow-dead', 0)
    expect(await rememberWay(folder, its.publicKey, onOther)).toBeNull()
    expect(await readLastWay(folder, its.publicKey)).toEqual({ schema: 1, ...fallback, cause: 'port-blocked' })
    await rememberWay(
      folder,
      its.publicKey,
      fellBack('transport', { address: '127.0.0.1', port: 9 }, 'session-lost', 0),
    )
    expect(await readLastWay(folder, its.publicKey)).toMatchObject({
      on: 'transport',
      endpoint: null,
      cause: 'session-lost',
    })
    await rememberWay(folder, its.publicKey, null)
    expect(await readLastWay(folder, its.publicKey)).toBeNull()
  })
})

describe('a tunnel', () => {
  test('looks at its machine when it begins, and stays watched while that lets nobody in', async () => {
    const { tunnel, notes } = open()
    running = tunnel.run(ending.signal)
    await tunnel.begin()
    await vi.waitFor(() => expect(notes).toMatchObject([{ kind: 'apply-failed', code: 'router-unreachable' }]))
    await vi.waitFor(() => expect(tunnel.look().watch.health.kind).toBe('up'))
  })

  test('sends its heartbeats to where its settings say now', async () => {
    const { tunnel } = open()
    running = tunnel.run(ending.signal)
    await vi.waitFor(() => expect(tunnel.look().watch.health.kind).toBe('up'))
    const other = await startHeartbeatHub()
    const { hub } = loopback()
    tunnel.settings.take(loopback({ heartbeatSeconds: 1, hub: { ...hub, heartbeatPort: other.port } }))
    await vi.waitFor(() => expect(other.sequences.length).toBeGreaterThan(0), { timeout: 5_000 })
    await other.close()
  })

  test('can be read while its machine cannot', async () => {
    const { tunnel } = open()
    running = tunnel.run(ending.signal)
    await tunnel.begin()
    expect(await tunnel.read()).toMatchObject({ observed: null, description: null, peer: null, cgnat: 'unknown' })
  })

  test('goes on with the mapping that the agent before it knew', () => {
    const at = '2026-11-22T20:01:02.500Z'
    const last = { at, kind: 'mapping', address: '198.51.100.7', port: 4_000, changes: 3, previous: null } as const
    const { tunnel } = open({ events: { lastMapping: () => last, mappingTimes: () => [at] } })
    expect(tunnel.look().watch.ledger).toEqual({
      current: { endpoint: { address: '198.51.100.7', port: 4_000 }, since: null },
      changes: 3,
    })
  })
})
