import { describe, expect, test } from 'vitest'
import type { Cause } from '../../../agent/core/evidence/cause.ts'
import type { EchoRound } from '../../../agent/core/evidence/evidence.ts'
import { ladder, nameOf, type Situation } from '../../../agent/core/ladder.ts'

const situation: Situation = {
  round: null,
  echoTrust: 'trusted',
  isRegistrarReachable: true,
  rounds: 0,
  lifeSeconds: null,
  canForgetFlow: true,
  helped: undefined,
}
const kinds = (cause: Cause, how: Partial<Situation> = {}): readonly string[] =>
  ladder(cause, { ...situation, ...how }).map((remedy) => remedy.kind)

describe('a router’s own connection table', () => {
  test.each<Cause>(['flow-dead', 'return-dead'])(
    'forgets a flow right after another port did not help: %s',
    (cause) => {
      expect(kinds(cause).slice(0, 2)).toEqual(['new-source-port', 'forget-flow'])
    },
  )

  test('goes before what interrupts the session', () => {
    expect(kinds('session-lost')).toEqual(['new-session', 'new-source-port', 'forget-flow', 'reset', 'carrier'])
  })

  test('is nothing that a machine without one is asked for', () => {
    for (const cause of ['flow-dead', 'return-dead', 'port-blocked', 'session-lost'] as const)
      expect(kinds(cause, { canForgetFlow: false })).not.toContain('forget-flow')
  })

  test('comes first where it helped before', () => {
    expect(kinds('flow-dead', { helped: 'forget-flow' })[0]).toBe('forget-flow')
  })
})

const [first, second, third, fourth, fifth] = [51_820, 4_500, 443, 53, 5_353].map((port) => ({
  address: '203.0.113.10',
  port,
}))
const round: EchoRound = {
  askedAt: 0,
  current: first!,
  isTransport: false,
  preferred: first!,
  answered: [first!, second!],
  silent: [third!],
  named: null,
}

describe('the order of the remedies', () => {
  test.each<[Cause, readonly string[]]>([
    ['flow-dead', ['new-source-port', 'forget-flow', 'set-endpoint', 'new-session', 'carrier', 'reset']],
    ['return-dead', ['new-source-port', 'forget-flow', 'set-endpoint', 'new-session', 'carrier', 'reset']],
    ['port-blocked', ['set-endpoint', 'new-source-port', 'forget-flow', 'carrier']],
    ['endpoint-moved', ['set-endpoint', 'carrier']],
    ['udp-blocked', ['carrier', 'new-source-port']],
    ['peer-unknown', ['register', 'reset', 'new-session']],
    ['session-lost', ['new-session', 'new-source-port', 'forget-flow', 'reset', 'set-endpoint', 'carrier']],
    ['handshake-blocked', ['carrier', 'set-endpoint', 'new-source-port', 'new-session', 'reset']],
    ['handshake-refused', ['reset', 'new-session', 'new-source-port', 'set-endpoint']],
    ['home-offline', []],
    ['hub-down', []],
    ['home-unknown', []],
    ['identity-twice', []],
    ['mapping-changed', []],
    ['mtu-black-hole', []],
    ['drift', []],
  ])('against %s', (cause, order) => {
    expect(kinds(cause, { round })).toEqual(order)
  })

  test('without a registrar there is neither a carrier nor a reset', () => {
    expect(kinds('session-lost', { isRegistrarReachable: false })).toEqual([
      'new-session',
      'new-source-port',
      'forget-flow',
    ])
    expect(kinds('udp-blocked', { isRegistrarReachable: false })).toEqual(['new-source-port'])
  })

  test('on the carrier it is no remedy', () => {
    expect(kinds('udp-blocked', { round: { ...round, isTransport: true } })).toEqual(['new-source-port'])
  })

  test('what costs minutes or the session comes last, once all else was tried in vain', () => {
    for (const cause of ['flow-dead', 'return-dead', 'port-blocked', 'udp-blocked', 'session-lost'] as const) {
      expect(kinds(cause, { rounds: 0 })).not.toContain('rebuild')
      expect(kinds(cause, { rounds: 1 }).slice(-2)).toEqual(['rebuild', 'silence'])
    }
    expect(kinds('handshake-blocked', { rounds: 1 }).slice(-2)).toEqual(['rebuild', 'silence'])
    expect(kinds('handshake-refused', { rounds: 1 }).slice(-2)).toEqual(['rebuild', 'silence'])
  })

  test('a silence lasts a tenth longer than this NAT remembers, or any', () => {
    const silence = (lifeSeconds: number | null) =>
      ladder('udp-blocked', { ...situation, rounds: 1, lifeSeconds }).at(-1)
    expect(silence(30)).toEqual({ kind: 'silence', seconds: 33 })
    expect(silence(45)).toEqual({ kind: 'silence', seconds: 50 })
    expect(silence(null)).toEqual({ kind: 'silence', seconds: 330 })
  })
})

describe('other ways', () => {
  const endpoints = (how: Partial<Situation>) =>
    ladder('endpoint-moved', { ...situation, isRegistrarReachable: false, ...how }).map(nameOf)

  test('are those that answered, without the one we use', () => {
    expect(endpoints({ round })).toEqual(['set-endpoint 203.0.113.10:4500'])
    expect(endpoints({ round: null })).toEqual([])
  })

  test('are all that were asked where echoes are never answered', () => {
    expect(endpoints({ round, echoTrust: 'unproven' })).toEqual([
      'set-endpoint 203.0.113.10:4500',
      'set-endpoint 203.0.113.10:443',
    ])
  })

  test('are three at most', () => {
    const answered = [first!, second!, third!, fourth!, fifth!]
    expect(endpoints({ round: { ...round, answered } })).toHaveLength(3)
  })

  test('have names of their own, other remedies the one of their kind', () => {
    expect(nameOf({ kind: 'silence', seconds: 33 })).toBe('silence')
  })

  test('come first, all of them, where one helped before', () => {
    const answered = [first!, second!, third!]
    expect(kinds('flow-dead', { round: { ...round, answered }, helped: 'set-endpoint' })).toEqual([
      'set-endpoint',
      'set-endpoint',
      'new-source-port',
      'forget-flow',
      'new-session',
      'carrier',
      'reset',
    ])
  })
})
