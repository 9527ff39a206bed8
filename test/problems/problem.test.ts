import { expect, test } from 'vitest'
import { Problem } from '../../problems/problem.ts'

test.each([
  ['it does not begin with hw1.', 'joining failed: it does not begin with hw1. Copy it again.'],
  ['for this network?', 'joining failed: for this network? Copy it again.'],
  ['the token is cut…', 'joining failed: the token is cut… Copy it again.'],
  ['it is another one', 'joining failed: it is another one. Copy it again.'],
])('a reason that has its mark gets no full stop: %j', (why, message) => {
  expect(new Problem('token-malformed', { what: 'joining', why, next: 'Copy it again' }).message).toBe(message)
  expect(new Problem('token-malformed', { what: 'joining', why, next: 'Copy it again.' }).message).toBe(message)
})
