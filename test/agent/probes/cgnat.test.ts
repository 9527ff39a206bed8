import { expect, test } from 'vitest'
import { cgnat } from '../../../agent/probes/cgnat.ts'

const mapping = { address: '198.51.100.11', port: 40_233 }

test('another address than ours means that something translates', () => {
  expect(cgnat('192.168.1.2', mapping)).toBe('yes')
  expect(cgnat('198.51.100.11', mapping)).toBe('no')
})

test('before the hub has said what it sees, nobody knows', () => {
  expect(cgnat('192.168.1.2', null)).toBe('unknown')
  expect(cgnat(null, mapping)).toBe('unknown')
})
