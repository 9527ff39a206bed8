import { describe, expect, test } from 'vitest'
import { makeJudge } from '../../../agent/tunnel/judge.ts'
import { sampleTunnel } from '../sample-config.ts'

const beginning = {
  ledger: { current: null, changes: 0 },
  firstSequence: 5,
  jitter: 0.5,
  mtu: 1_420,
  helped: {},
}
const mapping = { address: '198.51.100.11', port: 40_233 }

/** A judge whose clock is turned by hand. */
function judgeAt(moment: number) {
  let now = moment
  let lifeSeconds: number | null = null
  const clock = { now: () => now, wall: () => new Date() }
  const judge = makeJudge(sampleTunnel, { ...beginning, lifeSeconds: () => lifeSeconds }, clock)
  return {
    judge,
    go: (milliseconds: number) => void (now += milliseconds),
    measure: (seconds: number) => void (lifeSeconds = seconds),
  }
}

describe('the judge', () => {
  test('weighs what it heard before the first turn, when it heard it', () => {
    const { judge, go } = judgeAt(1_000)
    judge.iterate(() => undefined)
    go(30)
    judge.notice({ kind: 'answer', sequence: 5, mapping, inUse: false, asks: false })
    go(400)
    expect(judge.look().watch.health.kind).toBe('starting')
    judge.iterate(() => undefined)
    expect(judge.look().watch.health).toMatchObject({ kind: 'up', provenAt: 1_030 })
  })

  test('shows what made an act due while that is carried out', () => {
    const { judge, go } = judgeAt(0)
    judge.iterate(() => undefined)
    go(20)
    judge.notice({ kind: 'answer', sequence: 5, mapping, inUse: false, asks: false })
    const seen: unknown[] = []
    judge.iterate(({ kind }) => seen.push([kind, judge.look().watch.ledger.current?.endpoint]))
    expect(seen).toContainEqual(['tell-mapping', mapping])
  })

  test('weighs at the next turn what an act calls back at once', () => {
    const { judge } = judgeAt(0)
    judge.iterate(({ kind }) => {
      if (kind === 'send-heartbeat') judge.notice({ kind: 'tunnel-proof', carries: true })
    })
    expect(judge.look().watch.health.kind).toBe('starting')
    judge.iterate(() => undefined)
    expect(judge.look().watch).toMatchObject({ health: { kind: 'up' }, isDaemonSilent: true })
  })

  test('takes other settings, and with them what was measured since', () => {
    const { judge, measure } = judgeAt(0)
    measure(90)
    judge.configure({ ...sampleTunnel, economy: true })
    judge.iterate(() => undefined)
    expect(judge.look().watch.settings).toEqual({
      heartbeatMs: 25_000,
      inUseMs: 5_000,
      jitter: 0.5,
      mtu: 1_420,
      lifeSeconds: 90,
    })
  })

  test('hears what waits in the sockets before it judges the time for which it was held up', async () => {
    const { judge, go } = judgeAt(0)
    judge.iterate(() => undefined)
    judge.notice({ kind: 'answer', sequence: 5, mapping, inUse: false, asks: false })
    judge.iterate(() => undefined)
    go(4_800)
    judge.iterate(() => undefined)
    // It is stopped after a heartbeat, and wakes up with timers and sockets due: Node's timers come first.
    go(120_000)
    setTimeout(() => {
      setImmediate(() => judge.notice({ kind: 'answer', sequence: 6, mapping, inUse: false, asks: false }))
    }, 0)
    const waited = judge.wait(new AbortController().signal)
    for (const until = performance.now() + 20; performance.now() < until; );
    await waited
    judge.iterate(() => undefined)
    expect(judge.look().watch.heartbeats).toMatchObject({ missesInARow: 0, outcomes: ['answered', 'answered'] })
  })

  test('waits until something is heard', async () => {
    const { judge } = judgeAt(0)
    judge.iterate(() => undefined)
    const waited = judge.wait(new AbortController().signal)
    judge.notice({ kind: 'tunnel-proof', carries: true })
    await waited
    judge.iterate(() => undefined)
    expect(judge.look().watch.health.kind).toBe('up')
  })

  test('is stale when it was not turned in time', () => {
    const { judge, go } = judgeAt(0)
    expect(judge.look().stale).toBe(false)
    go(5_001)
    expect(judge.look().stale).toBe(true)
    judge.iterate(() => undefined)
    expect(judge.look().stale).toBe(false)
  })
})
