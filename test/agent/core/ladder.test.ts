import { describe, expect, test } from 'vitest'
import type { Cause } from '../../../agent/core/cause.ts'
import { ladder, type Situation } from '../../../agent/core/ladder.ts'

const situation: Situation = {
  round: null,
  echoTrust: 'trusted',
  isRegistrarReachable: true,
  turns: 0,
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
