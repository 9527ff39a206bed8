import { expect, test } from 'vitest'
import { makeLocalNetworks } from '../../../agent/lan/local-networks.ts'

test('networks are read again when the main routing table or our interface is another, and otherwise each minute', async () => {
  let now = 0
  let main = 'eth0 192.168.1.0/24'
  let reads = 0
  const read = async () => ({ connected: [], defaultInterface: `look ${(reads += 1)}`, routed: [] })
  const networks = makeLocalNetworks({ now: () => now }, read, async () => main)
  const look = async (except = 'hw0'): Promise<string | null> => (await networks(except)).defaultInterface

  expect(await look()).toBe('look 1')
  now = 59_999
  expect(await look()).toBe('look 1')
  main = 'wlan0 192.168.2.0/24'
  expect(await look()).toBe('look 2')
  now += 59_999
  expect(await look()).toBe('look 2')
  now += 1
  expect(await look()).toBe('look 3')
  expect(await look('hw1')).toBe('look 4')
})
