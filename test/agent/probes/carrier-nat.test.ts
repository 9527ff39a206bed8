import { expect, test } from 'vitest'
import { carrierNat } from '../../../agent/probes/carrier-nat.ts'

const mapping = { address: '198.51.100.11', port: 40_233 }

test('another address than ours means that something translates', () => {
  expect(carrierNat('192.168.1.2', mapping)).toBe('yes')
  expect(carrierNat('198.51.100.11', mapping)).toBe('no')
})

test('before the hub has said what it sees, nobody knows', () => {
  expect(carrierNat('192.168.1.2', null)).toBe('unknown')
  expect(carrierNat(null, mapping)).toBe('unknown')
})
