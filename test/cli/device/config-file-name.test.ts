import * as fc from '../../properties.ts'
import { expect, test } from 'vitest'
import { isTunnelName, tunnelNameFor } from '../../../cli/device/config-file-name.ts'

test.each(['phone', 'a', 'exactly-15-char'])('%s is a file’s name as it is', (name) => {
  expect(tunnelNameFor(name)).toBe(name)
})

test('a longer name keeps its beginning, and two of them stay apart', () => {
  const [tablet, television] = ['living-room-tablet', 'living-room-television'].map(tunnelNameFor)
  expect(tablet).toMatch(/^living-roo-[0-9a-f]{4}$/)
  expect(television).toMatch(/^living-roo-[0-9a-f]{4}$/)
  expect(tablet).not.toBe(television)
  expect(tunnelNameFor('guest-room-west-1')).toMatch(/^guest-room-[0-9a-f]{4}$/)
})

test('every name that a device may have becomes one that WireGuard takes', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/)
  fc.assert(fc.property(name, (device) => isTunnelName(tunnelNameFor(device)) && tunnelNameFor(device).length <= 15))
})

test.each(['', 'sixteen-letters-', 'a b', 'a/b', 'ä'])('%j is none', (name) => {
  expect(isTunnelName(name)).toBe(false)
})
