import type { NetworkInterfaceInfo } from 'node:os'
import { expect, test } from 'vitest'
import { ownNetworks } from '../../../hub/machine/own-networks.ts'

const at = (cidr: string | null, more: { readonly internal?: boolean } = {}): NetworkInterfaceInfo => ({
  family: 'IPv4',
  address: '',
  netmask: '',
  mac: '',
  internal: false,
  cidr,
  ...more,
})

test('this machine’s networks are those of its interfaces, without loopback, IPv6 and the tunnel', () => {
  const found = ownNetworks('hw0', {
    lo: [at('127.0.0.1/8', { internal: true })],
    eth0: [at('203.0.113.10/24'), { ...at('2001:db8::1/64'), family: 'IPv6', scopeid: 0 }],
    docker0: [at('172.17.0.1/16'), at(null)],
    hw0: [at('10.86.0.1/16')],
    empty: undefined,
  })
  expect(found).toEqual([
    { prefix: '203.0.113.0/24', by: 'the hub’s own network at eth0' },
    { prefix: '172.17.0.0/16', by: 'the hub’s own network at docker0' },
  ])
})

test('whatever machine this is, it can be asked', () => {
  expect(ownNetworks('hw0')).toBeInstanceOf(Array)
})
