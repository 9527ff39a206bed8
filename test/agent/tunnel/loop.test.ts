import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { TunnelConfig } from '../../../agent/settings/config.ts'
import type { Action } from '../../../agent/core/state.ts'
import { type Judge, makeJudge } from '../../../agent/tunnel/judge.ts'
import { type LoopEffects, makeLoop, type TunnelLoop } from '../../../agent/tunnel/loop.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { makeLog } from '../../../system/process/log.ts'
import { type HeartbeatHub, startHeartbeatHub } from '../probes/heartbeat-hub.ts'
import { sampleTunnel } from '../sample-config.ts'

const log = makeLog('agent')
log.level = 'silent'

let hub: HeartbeatHub
let ending: AbortController
let running: Promise<void>
beforeEach(async () => {
  hub = await startHeartbeatHub()
  ending = new AbortController()
  running = Promise.resolve()
})
afterEach(async () => {
  ending.abort()
  await running
  await hub.close()
})

function loopback(change: Partial<TunnelConfig> = {}): TunnelConfig {
  return {
    ...sampleTunnel,
    hub: { ...sampleTunnel.hub, address: '127.0.0.1', hubAddress: '127.0.0.1', heartbeatPort: hub.port },
    ...change,
  }
}

const beginning = {
  ledger: { current: null, changes: 0 },
  firstSequence: 0,
  jitter: 0.5,
  mtu: 1_420,
  helped: {},
  lifeSeconds: () => null,
}

/** Hands that are not what a test is about: they never answer. */
const never = (): Promise<never> => new Promise(() => undefined)
const idleHands = {
  askEchoes: never,
  askSizes: never,
  testUplink: never,
  proveTunnel: never,
  remedy: never,
  reconcile: () => undefined,
  closeTransport: () => undefined,
}

function start(effects: Partial<LoopEffects> = {}): {
  readonly judge: Judge
  readonly loop: TunnelLoop
  readonly told: Action[]
  readonly asked: string[]
} {
  const told: Action[] = []
  const asked: string[] = []
  const judge = makeJudge(loopback(), { ...beginning, firstSequence: 5 }, systemClock)
  const loop = makeLoop(
    loopback(),
    judge,
    {
      register: async (reason) => {
        asked.push(reason)
        return { kind: 'registration-ended', outcome: 'done', mapping: null, view: null }
      },
      ...idleHands,
      record: (action) => told.push(action),
      ...effects,
    },
    log,
  )
  running = loop.run(ending.signal)
  return { judge, loop, told, asked }
}

describe('the loop', () => {
  test('brings the tunnel up with the first answer, and registers', async () => {
    const { judge, told, asked } = start()
    await vi.waitFor(() => expect(judge.look().watch.health.kind).toBe('up'))
    await vi.waitFor(() => expect(judge.look().watch.registration.succeeded).toBe(1))
    // On a busy machine an answer may come too late for the first one.
    expect([5, 6, 7]).toContain(hub.sequences[0])
    expect(asked[0]).toBe('start')
    expect(told.map((action) => action.kind)).toContain('tell-mapping')
    expect(judge.look().stale).toBe(false)
  })

  test('a fault in what it tells does not stop it', async () => {
    const tried: string[] = []
    const { judge } = start({
      record: (action) => {
        tried.push(action.kind)
        throw new Error('nobody foresaw this')
      },
    })
    await vi.waitFor(() => expect(judge.look().watch.registration.succeeded).toBe(1))
    await vi.waitFor(() => expect(judge.look().watch.health.kind).toBe('up'))
    // What was to be told after the one that failed was told too.
    expect(tried).toEqual(['tell-mapping', 'tell-health'])
  })

  test('another heartbeat port is used from the moment it is configured', async () => {
    const { judge, loop } = start()
    await vi.waitFor(() => expect(judge.look().watch.health.kind).toBe('up'))
    const other = await startHeartbeatHub()
    const { hub } = loopback()
    loop.configure(loopback({ heartbeatSeconds: 1, hub: { ...hub, heartbeatPort: other.port } }))
    await vi.waitFor(() => expect(other.sequences.length).toBeGreaterThan(0), { timeout: 3_000 })
    await other.close()
  })

  test('ends at once when it is told to', async () => {
    start()
    ending.abort()
    await running
    expect(ending.signal.aborted).toBe(true)
  })
})
