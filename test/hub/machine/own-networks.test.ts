import { expect, test, vi } from 'vitest'
import { makeOwnNetworks, readOwnNetworks } from '../../../hub/machine/own-networks.ts'

test('this machine’s networks are named by what they are', async () => {
  const networks = async (except: string) => {
    expect(except).toBe('hw0')
    return [
      { prefix: '10.0.0.0/16', interface: 'enp7s0', via: '10.0.0.1' },
      { prefix: '203.0.113.0/24', interface: 'eth0', via: null },
    ]
  }
  const found = await readOwnNetworks('hw0', networks, async () => ['10.9.9.9'])
  expect(found).toEqual([
    { prefix: '10.0.0.0/16', by: 'the hub’s own network: a route via 10.0.0.1 (enp7s0)' },
    { prefix: '203.0.113.0/24', by: 'the hub’s own network at eth0' },
    { prefix: '10.9.9.9/32', by: 'the hub’s own name server', unlessGranted: true },
  ])
})

test('whoever asks often is answered from one look for two seconds', async () => {
  let now = 0
  const read = vi.fn(async () => [])
  const own = makeOwnNetworks({ now: () => now }, read)
  await Promise.all([own('hw0'), own('hw0')])
  now = 2_000
  await own('hw0')
  expect(read).toHaveBeenCalledTimes(1)
  now = 2_001
  await own('hw0')
  expect(read).toHaveBeenCalledTimes(2)
  // Another interface is another question.
  await own('hw1')
  expect(read).toHaveBeenLastCalledWith('hw1')
})

test('whatever machine this is, it can be asked', async () => {
  expect(await readOwnNetworks('hw0')).toBeInstanceOf(Array)
})
