import { describe, expect, test } from 'vitest'
import { makeHomeSigns } from '../../../hub/presence/home-signs.ts'
import type { Home } from '../../../hub/core/store-document.ts'
import type { PublicKey } from '../../../wireguard/keys.ts'
import { CABIN, type Heard, listening, memoryOnly } from '../heard-home.ts'

/** What the hub hears of one home, and what it makes of it. */
function hearing(heardOnce = memoryOnly()) {
  const scene = listening(heardOnce)
  const { clock, presences } = scene
  let witnessSeconds: number | null = 0
  let said: string[] = []
  const signs = makeHomeSigns(
    {
      sign: (_home, scope, trouble, since) =>
        void said.push(`${scope}: ${trouble} for ${(clock.now() - since) / 1_000} s`),
      note: (event) => void (event.kind === 'well' && said.push(`${event.scope}: well`)),
    },
    { ageSeconds: () => witnessSeconds },
    presences,
    clock,
  )
  return {
    clock: {
      /** Time passes in which the hub looks, at nobody. */
      turn: (milliseconds: number) => {
        for (let left = milliseconds; left > 0; left -= 10_000) {
          clock.turn(Math.min(left, 10_000))
          signs.look([])
        }
      },
    },
    /** Time passes in which the hub is stopped. */
    stop: (milliseconds: number) => clock.turn(milliseconds),
    presences,
    look: async (now: Partial<Heard & { peerMonitor: number | null }> = {}, home: Home = CABIN) => {
      scene.hears(now)
      if (now.peerMonitor !== undefined) witnessSeconds = now.peerMonitor
      said = []
      await presences.note([home])
      signs.look([home])
      return said
    },
  }
}

const WELL = ['tunnel: well', 'agent: well']

describe('a home that is silent', () => {
  test('is dark when nothing came for longer than a keepalive, and since the last thing that came', async () => {
    const { look, clock } = hearing()
    expect(await look({ heartbeat: 2, wireguard: 1 })).toEqual(WELL)
    clock.turn(26_000)
    expect(await look({ heartbeat: 27, wireguard: 27 })).toEqual(WELL)
    clock.turn(1_000)
    expect(await look({ heartbeat: 29, wireguard: 28 })).toEqual(['tunnel: home-dark for 28 s'])
  })
  test('is not dark for longer when its heartbeats are seldom', async () => {
    const { look, presences, clock } = hearing()
    presences.expect('cabin', 25)
    expect(await look({ heartbeat: 60, wireguard: 60 })).toEqual(WELL)
    clock.turn(3_000)
    expect(await look({ heartbeat: 63, wireguard: 63 })).toEqual(['tunnel: home-dark for 63 s'])
  })
  test('is not called that by a hub that was stopped itself, until it has listened again', async () => {
    const { look, clock, stop } = hearing()
    expect(await look({ heartbeat: 2, wireguard: 1 })).toEqual(WELL)
    stop(15_000)
    expect(await look({ heartbeat: 17, wireguard: 16 })).toEqual(WELL)
    stop(120_000)
    expect(await look({ heartbeat: 137, wireguard: 136 })).toEqual([])
    for (let second = 1; second < 30; second += 1) {
      clock.turn(1_000)
      expect(await look({ heartbeat: 137 + second, wireguard: 136 + second })).toEqual([])
    }
    clock.turn(1_000)
    expect(await look({ heartbeat: 167, wireguard: 166 })).toEqual(['tunnel: home-dark for 166 s'])
    expect(await look({ heartbeat: 1, wireguard: 1 })).toEqual(WELL)
  })
  test('is its agent alone, when WireGuard is heard', async () => {
    const { look, clock } = hearing()
    expect(await look({ heartbeat: 44, wireguard: 20 })).toEqual(WELL)
    clock.turn(2_000)
    expect(await look({ heartbeat: 46, wireguard: 20 })).toEqual(['tunnel: well', 'agent: agent-silent for 46 s'])
  })
  test('that was heard before the hub was restarted is given a minute', async () => {
    const before = memoryOnly()
    before.note(CABIN)
    const { look, clock } = hearing(before)
    expect(await look()).toEqual([])
    clock.turn(59_000)
    expect(await look()).toEqual([])
    clock.turn(1_000)
    expect(await look()).toEqual(['tunnel: home-dark for 60 s'])
  })
  test('is not judged by a witness that sees nothing', async () => {
    expect(await hearing().look({ heartbeat: 100, wireguard: 100, peerMonitor: 6 })).toEqual([])
    expect(await hearing().look({ heartbeat: 100, wireguard: 100, peerMonitor: null })).toEqual([])
  })
})

describe('a home that is new', () => {
  test('is awaited, however long the hub has been running', async () => {
    const { look, clock } = hearing()
    clock.turn(3_600_000)
    expect(await look()).toEqual([])
    clock.turn(3_600_000)
    expect(await look()).toEqual([])
    expect(await look({ wireguard: 0 })).toEqual(WELL)
    clock.turn(28_000)
    expect(await look({ wireguard: 28 })).toEqual(['tunnel: home-dark for 28 s'])
  })
  test('has a minute, and what every agent has, until its agent speaks', async () => {
    const { look, clock } = hearing()
    clock.turn(3_600_000)
    expect(await look({ wireguard: 0 })).toEqual(WELL)
    clock.turn(104_000)
    expect(await look({ wireguard: 0 })).toEqual(WELL)
    clock.turn(1_000)
    expect(await look({ wireguard: 0 })).toEqual(['tunnel: well', 'agent: agent-silent for 45 s'])
  })
  test('is awaited again when it joins again under its name, with another key', async () => {
    const { look, clock } = hearing()
    expect(await look({ heartbeat: 0, wireguard: 0 })).toEqual(WELL)
    clock.turn(3_600_000)
    expect(await look({ heartbeat: 3_600, wireguard: 3_600 })).toEqual(['tunnel: home-dark for 3600 s'])
    const again = { ...CABIN, publicKey: 'OTHER=' as PublicKey, joinedAt: '2026-11-23T11:00:00.000Z' }
    expect(await look({ heartbeat: null, wireguard: null }, again)).toEqual([])
    clock.turn(3_600_000)
    expect(await look({}, again)).toEqual([])
  })
  test('changes its key, and is heard as before while nobody has heard the new one', async () => {
    const { look, clock } = hearing()
    clock.turn(3_600_000)
    expect(await look({ heartbeat: 0, wireguard: 0 })).toEqual(WELL)
    clock.turn(5_000)
    const rotated = { ...CABIN, publicKey: 'OTHER=' as PublicKey }
    expect(await look({ heartbeat: null, wireguard: null }, rotated)).toEqual(WELL)
    clock.turn(23_000)
    expect(await look({}, rotated)).toEqual(['tunnel: home-dark for 28 s'])
  })
})
