import { expect, test } from 'vitest'
import { isAtAnotherAddress, type Ledger, ledgerFrom, noteMapping } from '../../../../agent/core/evidence/ledger.ts'

const empty: Ledger = { current: null, changes: 0 }
const first = { address: '198.51.100.11', port: 40_233 }

test('the first mapping is no change of one', () => {
  const [ledger, change] = noteMapping(empty, first, 10)
  expect(ledger).toEqual({ current: { endpoint: first, since: 10 }, changes: 0 })
  expect(change).toMatchObject({ from: null, ended: null, changes: 0 })
})

test('the same mapping seen again changes nothing', () => {
  const [ledger] = noteMapping(empty, first, 10)
  expect(noteMapping(ledger, { ...first }, 20)).toEqual([ledger, null])
})

test('another port and another address are told apart, and counted', () => {
  const [ledger] = noteMapping(empty, first, 10)
  const [port, portChange] = noteMapping(ledger, { ...first, port: 40_234 }, 20)
  expect(portChange).toMatchObject({ ended: 'port', changes: 1, from: { endpoint: first, since: 10 } })
  const [, addressChange] = noteMapping(port, { address: '198.51.100.12', port: 40_234 }, 30)
  expect(addressChange).toMatchObject({ ended: 'address', changes: 2 })
})

test('a mapping that was there before this agent began is taken over', () => {
  const restored: Ledger = { current: { endpoint: first, since: null }, changes: 3 }
  expect(noteMapping(restored, first, 10)).toEqual([restored, null])
})

test('one that changed while nothing came through for long was forgotten, not moved', () => {
  const [ledger] = noteMapping(empty, first, 10)
  const moved = { ...first, port: 40_234 }
  expect(noteMapping(ledger, moved, 200_000, 90_000)[1]).toMatchObject({ ended: 'silence' })
  expect(noteMapping(ledger, moved, 200_000, 60_001)[1]).toMatchObject({ ended: 'silence' })
  expect(noteMapping(ledger, moved, 200_000, 60_000)[1]).toMatchObject({ ended: 'port' })
})

test('it begins as the last agent left it, and empty where none did', () => {
  expect(ledgerFrom({ ...first, changes: 3 })).toEqual({ current: { endpoint: first, since: null }, changes: 3 })
  expect(ledgerFrom(null)).toEqual(empty)
})

test('the carrier’s address is another one only where there was one before', () => {
  const to = { endpoint: first, since: 10 }
  const change = (from: Ledger['current']) => isAtAnotherAddress({ from, to, ended: null, changes: 1 })
  expect(change({ endpoint: { ...first, address: '198.51.100.12' }, since: null })).toBe(true)
  expect(change({ endpoint: { ...first, port: 1 }, since: null })).toBe(false)
  expect(change(null)).toBe(false)
})
