import { expect, test } from 'vitest'
import type { Cause } from '../../../agent/core/evidence/cause.ts'
import { howToEndSharing, ofTwoMachines } from '../../../agent/core/shared-home.ts'

test('what another machine with the same key takes is told as its doing', () => {
  const taken: readonly Cause[] = ['flow-dead', 'return-dead', 'session-lost', 'handshake-blocked', 'handshake-refused']
  expect(taken.map(ofTwoMachines)).toEqual(taken.map(() => 'identity-twice'))
})

test('what it cannot be the cause of stays what it is', () => {
  const others: readonly (Cause | null)[] = ['home-offline', 'hub-down', 'udp-blocked', 'mapping-changed', null]
  expect(others.map(ofTwoMachines)).toEqual(others)
})

test('how it ends names the home, where its name is known', () => {
  const [named, unnamed] = [howToEndSharing('cabin'), howToEndSharing()]
  expect(named).toContain('hub revoke-other cabin;')
  expect(unnamed).toContain('hub revoke-other HOME;')
  expect(named).toContain('join --again TOKEN')
})
