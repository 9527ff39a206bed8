import { describe, expect, test } from 'vitest'
import { makeHomeSigns } from '../../hub/home-signs.ts'
import type { Home } from '../../hub/store-document.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import { turnedClock } from './turned-clock.ts'

const cabin = { name: 'cabin', address: '10.86.0.2', publicKey: 'KEY=' as PublicKey } as Home

/** What the hub hears of one home, and what it makes of it. */
function hearing() {
  const clock = turnedClock()
  const heard: { wireguard: number | null; heartbeat: number | null; witness: number | null } = {
    wireguard: null,
    heartbeat: null,
    witness: 0,
  }
  let said: string[] = []
  const signs = makeHomeSigns(
    {
      sign: (_home, scope, trouble, since) =>
        void said.push(`${scope}: ${trouble} for ${(clock.now() - since) / 1_000} s`),
      note: (event) => void (event.kind === 'well' && said.push(`${event.scope}: well`)),
    },
    {
      sighting: () =>
        heard.wireguard === null
          ? null
          : { endpoint: null, lastHandshakeSeconds: null, rxBytes: 0, txBytes: 0, heardSeconds: heard.wireguard },
      ageSeconds: () => heard.witness,
    },
    { heardSeconds: () => heard.heartbeat },
    clock,
  )
  return {
    clock,
    signs,
    look: (now: Partial<typeof heard>): readonly string[] => {
      Object.assign(heard, now)
      said = []
      signs.look([cabin])
      return said
    },
  }
}

describe('a home that is silent', () => {
  test('is dark when nothing came for longer than a keepalive, and since the last thing that came', () => {
    const { look } = hearing()
    expect(look({ heartbeat: 2, wireguard: 1 })).toEqual(['tunnel: well', 'agent: well'])
    expect(look({ heartbeat: 27, wireguard: 27 })).toEqual(['tunnel: well', 'agent: well'])
    expect(look({ heartbeat: 29, wireguard: 28 })).toEqual(['tunnel: home-dark for 28 s'])
  })
  test('is not dark for longer when its heartbeats are seldom', () => {
    const { look, signs } = hearing()
    signs.expect('cabin', 25)
    expect(look({ heartbeat: 60, wireguard: 60 })).toEqual(['tunnel: well', 'agent: well'])
    expect(look({ heartbeat: 63, wireguard: 63 })).toEqual(['tunnel: home-dark for 63 s'])
  })
  test('is its agent alone, when WireGuard is heard', () => {
    const { look } = hearing()
    expect(look({ heartbeat: 44, wireguard: 20 })).toEqual(['tunnel: well', 'agent: well'])
    expect(look({ heartbeat: 46, wireguard: 20 })).toEqual(['tunnel: well', 'agent: agent-silent for 46 s'])
  })
  test('is given a minute after the hub was restarted', () => {
    const { look, clock } = hearing()
    clock.turn(59_000)
    expect(look({})).toEqual([])
    clock.turn(1_000)
    expect(look({})).toEqual(['tunnel: home-dark for 60 s'])
  })
  test('is not judged by a witness that sees nothing', () => {
    expect(hearing().look({ heartbeat: 100, wireguard: 100, witness: 6 })).toEqual([])
    expect(hearing().look({ heartbeat: 100, wireguard: 100, witness: null })).toEqual([])
  })
})
