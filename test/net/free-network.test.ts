import { expect, test } from 'vitest'
import { freeTunnelNetwork } from '../../net/free-network.ts'
import { overlaps } from '../../net/prefix.ts'

test.each([
  [[], '10.86.0.0/16'],
  [['10.86.3.0/24'], '10.186.0.0/16'],
  [['10.0.0.0/8'], '172.29.0.0/16'],
  [['10.0.0.0/8', '172.16.0.0/12'], '192.168.186.0/24'],
  [['10.0.0.0/8', '172.16.0.0/12', '192.168.128.0/17'], '192.168.2.0/24'],
  [['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'], null],
  [['0.0.0.0/1', '128.0.0.0/1'], null],
])('beside %j a tunnel may have %s', (taken, free) => {
  expect(freeTunnelNetwork(taken)).toBe(free)
  expect(taken.some((one) => free !== null && overlaps(one, free))).toBe(false)
})
