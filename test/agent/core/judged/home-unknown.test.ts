import * as fc from '../../../properties.ts'
import { describe, expect, test } from 'vitest'
import { begun, causes, DEAD, type Seen, simulate, start, told, WAYS, wellWord, type World } from './simulation.ts'

const FORGOTTEN_AT = 100_000

/** The hub forgot this home: its WireGuard and its echoes are silent, its registrar says so. */
const FORGOTTEN: World = { ...DEAD, registrar: () => 'unknown' }

function after(world: World, forMs = 600_000, before: World = {}) {
  const up = simulate(start(), 0, FORGOTTEN_AT, before)
  return simulate(up.watch, up.now, FORGOTTEN_AT + forMs, world)
}

const registered = (actions: readonly Seen[], from = 0) =>
  actions.filter(({ at, action }) => action.kind === 'register' && at >= from)

describe('a home that its hub does not know', () => {
  test('is called that within twenty seconds, and nothing is tried against it', () => {
    for (let phase = 0; phase < 5_000; phase += 930) {
      const up = simulate(start(), 0, FORGOTTEN_AT + phase)
      const { actions, watch } = simulate(up.watch, up.now, up.now + 300_000, FORGOTTEN)
      expect(causes(actions)).toEqual(['home-unknown'])
      expect(begun(actions)).toEqual([])
      expect(watch.health).toMatchObject({ kind: 'offline', cause: 'home-unknown' })
      expect(told(actions).find(([kind]) => kind === 'offline')![1] - up.now).toBeLessThan(20_000)
    }
  })

  test('so it is where the agent begins with it, and where echoes were never answered', () => {
    const begins = simulate(start(), 0, 600_000, FORGOTTEN)
    expect(causes(begins.actions)).toEqual(['home-unknown'])
    expect(begun(begins.actions)).toEqual([])
    const blind = after(FORGOTTEN, 600_000, { echo: () => [] })
    expect(causes(blind.actions)).toEqual(['home-unknown'])
    expect(begun(blind.actions)).toEqual([])
  })

  test('goes on asking, once a minute', () => {
    const { actions } = after(FORGOTTEN, 3_600_000)
    const late = registered(actions, FORGOTTEN_AT + 600_000)
    expect(late.length).toBeGreaterThan(40)
    expect(late.length).toBeLessThan(80)
  })

  test('is back by the first answer when the hub knows it again', () => {
    const knownAt = 1_000_000
    const { actions, watch } = after(
      {
        heartbeat: (now) => (now < knownAt ? 'lost' : 'answered'),
        echo: (now) => (now < knownAt ? [] : WAYS),
        registrar: (now) => (now < knownAt ? 'unknown' : true),
      },
      1_000_000,
    )
    expect(watch.health.kind).toBe('up')
    expect(told(actions).at(-1)![1] - knownAt).toBeLessThan(6_000)
    expect(begun(actions)).toEqual([])
  })

  test('a hub that knows it again and hears nothing of it: what that is, is found out and cured', () => {
    const knownAt = 300_000
    let isCured = false
    const { actions, watch } = after({
      heartbeat: () => (isCured ? 'answered' : 'lost'),
      echo: (now) => (now < knownAt ? [] : WAYS),
      registrar: (now) => (now < knownAt ? 'unknown' : true),
      remedy: () => (isCured = true),
    })
    expect(causes(actions)).toEqual(['home-unknown', 'session-lost'])
    expect(begun(actions)[0]!.at).toBeGreaterThan(knownAt)
    expect(watch.health.kind).toBe('up')
  })

  test('its own line may fail meanwhile, and then that is the cause', () => {
    const { actions } = after({
      ...FORGOTTEN,
      registrar: (now) => (now < 300_000 || now > 500_000 ? 'unknown' : false),
    })
    expect(causes(actions)).toEqual(['home-unknown', 'home-offline', 'home-unknown'])
    expect(begun(actions)).toEqual([])
  })

  test('a hub that was away before it came back without this home: no remedy in between', () => {
    const { actions } = after({ ...FORGOTTEN, registrar: (now) => (now < 2_000_000 ? false : 'unknown') }, 3_000_000)
    expect(causes(actions)).toEqual(['home-offline', 'home-unknown'])
    expect(begun(actions)).toEqual([])
  })

  test('what is changed on the machine meanwhile is put back, and is no other cause', () => {
    const { actions, watch } = after({ ...FORGOTTEN, mends: (now) => now > 300_000 && now < 310_000 })
    expect(causes(actions)).toEqual(['home-unknown'])
    expect(watch.health).toMatchObject({ kind: 'offline', cause: 'home-unknown' })
  })
})

describe('a home is not called unknown', () => {
  test('while heartbeats are answered, whatever the registrar says', () => {
    const { actions } = after({ registrar: () => 'unknown' }, 3_600_000)
    expect(told(actions)).toEqual([])
  })

  test('by one such answer alone', () => {
    let asked = 0
    const { actions } = after({
      heartbeat: (now) => (now < FORGOTTEN_AT + 15_000 ? 'lost' : 'answered'),
      registrar: () => (++asked === 1 ? 'unknown' : true),
      view: () => wellWord(0),
    })
    expect(causes(actions)).not.toContain('home-unknown')
  })

  test('by a registrar that refuses otherwise, or is not reached', () => {
    for (const registrar of ['refused', false] as const) {
      const { actions } = after({ ...DEAD, registrar: () => registrar })
      expect(causes(actions)).not.toContain('home-unknown')
    }
  })

  test('whatever the rest is: only after two such answers and two heartbeats missed behind the first', () => {
    const answer = fc.constantFrom(true as const, false as const, 'unknown' as const, 'refused' as const)
    fc.assert(
      fc.property(
        fc.array(answer, { minLength: 1, maxLength: 30 }),
        fc.boolean(),
        fc.boolean(),
        (said, hasEchoes, isStart) => {
          const answers: { readonly at: number; readonly said: (typeof said)[number] }[] = []
          const world: World = {
            ...DEAD,
            echo: () => (hasEchoes ? WAYS : []),
            registrar: (now) => {
              const one = said[answers.length % said.length]!
              answers.push({ at: now, said: one })
              return one
            },
          }
          const up = isStart ? { watch: start(), now: 0 } : simulate(start(), 0, FORGOTTEN_AT)
          const { actions } = simulate(up.watch, up.now, up.now + 60_000, world)
          for (const { at, action } of actions) {
            const isNamed =
              (action.kind === 'tell-cause' && action.cause === 'home-unknown') ||
              (action.kind === 'tell-health' && action.to.kind === 'offline' && action.to.cause === 'home-unknown')
            if (!isNamed) continue
            // What was asked and answered by then, refusals aside: the last two say so.
            const heard = answers.filter((one) => one.at + 30 <= at && one.said !== 'refused').slice(-2)
            expect(heard.map((one) => one.said)).toEqual(['unknown', 'unknown'])
          }
          // And as long as it is so, nothing is tried.
          const firstUnknown = answers[0]?.said === 'unknown' && answers.every((one) => one.said === 'unknown')
          if (firstUnknown && !hasEchoes) expect(begun(actions)).toEqual([])
        },
      ),
      { numRuns: 40 },
    )
  }, 300_000)
})
