import { expect, test } from 'vitest'
import { LASTING_MS, replaced } from '../../../alerts/core/state.ts'
import { someDesk, someIncident } from './some.ts'

test('one incident takes the place of another, and the others stay', () => {
  const [a, b, c] = [someIncident({ id: 'a' }), someIncident({ id: 'b' }), someIncident({ id: 'c' })]
  const state = someDesk('home', { incidents: [a, b] })
  expect(replaced(state, b, c)).toEqual({ ...state, incidents: [a, c] })
  expect(replaced(state, b, c).incidents[0]).toBe(a)
})

test('what does not change is the same state', () => {
  const one = someIncident()
  const state = someDesk('home', { incidents: [one] })
  expect(replaced(state, one, one)).toBe(state)
})

test('ten seconds are lasting', () => {
  expect(LASTING_MS).toBe(10_000)
})
