import { describe, expect, test } from 'vitest'
import { type Action, next, wakeAt, type WatchEvent } from '../../../agent/core/watch.ts'
import { count, mapping, simulate, start, told } from './simulation.ts'

describe('a flow that died', () => {
  const well = (heardSeconds: number | null) => ({ peerKnown: true, heardSeconds, sessionKnown: true })

  /** As `simulate`, with a hub that says what it hears, and a fault that a remedy of the shell ends or does not. */
  function outage(options: {
    readonly heard: (silentMs: number) => number | null
    readonly helps: (nth: number) => boolean
    readonly sessionKnown?: boolean
    readonly registrar?: (now: number) => boolean
    readonly endsAt?: number
    readonly untilMs?: number
  }) {
    const from = 100_000
    const up = simulate(start(), 0, from, () => true)
    let { watch } = up
    let now = up.now
    let isDead = true
    let remedies = 0
    let lastAnsweredAt = watch.heartbeats.answeredAt ?? now
    const actions: { readonly at: number; readonly action: Action }[] = []
    const coming: { readonly at: number; readonly event: WatchEvent }[] = []
    const feed = (event: WatchEvent): void => {
      const [after, wanted] = next(watch, event, now)
      watch = after
      for (const action of wanted) {
        actions.push({ at: now, action })
        if (action.kind === 'send-heartbeat' && (!isDead || now >= (options.endsAt ?? Infinity))) {
          lastAnsweredAt = now
          coming.push({ at: now + 20, event: { kind: 'answer', sequence: action.sequence, mapping } })
        }
        if (action.kind === 'register') {
          const answers = options.registrar?.(now) ?? true
          const word = answers
            ? { ...well(options.heard(now - lastAnsweredAt)), sessionKnown: options.sessionKnown ?? true }
            : null
          const outcome = answers ? 'done' : 'unreachable'
          coming.push({ at: now + 30, event: { kind: 'registration-ended', outcome, mapping: null, word } })
        }
        if (action.kind === 'remedy') {
          remedies += 1
          if (options.helps(remedies)) isDead = false
          coming.push({ at: now + 70, event: { kind: 'remedy-ended', carriedOut: true } })
        }
      }
    }
    const untilMs = from + (options.untilMs ?? 30_000)
    while (now < untilMs) {
      const first = coming.reduce((least, one) => Math.min(least, one.at), Infinity)
      now = Math.max(now, Math.min(first, wakeAt(watch), untilMs))
      const arrived = coming.findIndex((one) => one.at <= now)
      feed(arrived < 0 ? { kind: 'tick' } : coming.splice(arrived, 1)[0]!.event)
    }
    return { actions, watch, from }
  }

  test('is named and healed with another source port within ten seconds', () => {
    const { actions, watch, from } = outage({ heard: (silentMs) => silentMs / 1_000, helps: () => true })
    expect(told(actions).map(([kind]) => kind)).toEqual(['doubtful', 'healing', 'up'])
    expect(told(actions)[2]![1] - from).toBeLessThan(10_000)
    const reports = actions.flatMap(({ action }) => (action.kind === 'tell-remedy' ? [action.report] : []))
    expect(reports).toMatchObject([{ remedy: 'new-source-port', cause: 'flow-dead', helped: true }])
    expect(watch.health.kind).toBe('up')
  })

  test('is called return-dead when the hub still hears us', () => {
    const { actions } = outage({ heard: () => 0.2, helps: () => true })
    const healing = actions.find(({ action }) => action.kind === 'tell-health' && action.to.kind === 'healing')
    expect(healing?.action).toMatchObject({ to: { cause: 'return-dead' } })
  })

  test('is tried again with growing pauses, each time with fresh evidence, and never given up', () => {
    const { actions } = outage({ heard: (silentMs) => silentMs / 1_000, helps: () => false, untilMs: 900_000 })
    const tried = actions.flatMap(({ at, action }) => (action.kind === 'remedy' ? [at] : []))
    const gaps = tried.slice(1).map((at, index) => at - tried[index]!)
    expect(gaps.length).toBeGreaterThan(8)
    expect(gaps[0]).toBeLessThan(20_000)
    expect(Math.max(...gaps)).toBeLessThan(90_000)
    expect(gaps[4]).toBeGreaterThan(gaps[0]!)
    const asked = actions.flatMap(({ at, action }) => (action.kind === 'register' ? [at] : []))
    for (const [index, at] of tried.slice(1).entries())
      expect(asked.some((when) => when > tried[index]! && when < at)).toBe(true)
  })

  test('the second try can help', () => {
    const { watch } = outage({ heard: () => null, helps: (nth) => nth === 2, untilMs: 60_000 })
    expect(watch.health.kind).toBe('up')
    expect(watch.cure.remedy).toBeNull()
  })

  test('a line that is away for twenty seconds is not repaired, even when the registrar is the first to come back', () => {
    for (const lead of [0, 100, 400]) {
      const { actions, watch } = outage({
        heard: (silentMs) => silentMs / 1_000,
        helps: () => true,
        registrar: (now) => now >= 120_000 - lead,
        endsAt: 120_000,
        untilMs: 60_000,
      })
      expect(count(actions, 'remedy')).toBe(0)
      expect(watch.health.kind).toBe('up')
    }
  })

  test('a hub that does not know us is no reason to change the tunnel', () => {
    const up = simulate(start(), 0, 100_000, () => true)
    let { watch, now } = up
    const actions: Action[] = []
    for (; now < 200_000; now += 250) {
      const [after, wanted] = next(watch, { kind: 'tick' }, now)
      watch = after
      actions.push(...wanted)
      if (!wanted.some((action) => action.kind === 'register')) continue
      const word = { peerKnown: false, heardSeconds: null, sessionKnown: false }
      ;[watch] = next(watch, { kind: 'registration-ended', outcome: 'done', mapping: null, word }, now + 10)
    }
    expect(actions.filter((action) => action.kind === 'remedy')).toEqual([])
    expect(actions.filter((action) => action.kind === 'register').length).toBeGreaterThan(2)
  })

  test('a hub that lost the session is left to WireGuard, which shakes hands by itself', () => {
    const rebooted = { heard: () => null, helps: () => true, sessionKnown: false }
    const { actions, watch } = outage({ ...rebooted, endsAt: 119_000, untilMs: 60_000 })
    expect(count(actions, 'remedy')).toBe(0)
    expect(watch.health.kind).toBe('up')
  })

  test('but not for ever: a flow may have died as well', () => {
    const { actions, watch } = outage({ heard: () => null, helps: () => true, sessionKnown: false, untilMs: 90_000 })
    expect(count(actions, 'remedy')).toBe(1)
    expect(watch.health.kind).toBe('up')
  })
})
