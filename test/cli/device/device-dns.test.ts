import { expect, test } from 'vitest'
import { deviceDns } from '../../../cli/device/device-dns.ts'
import { Problem } from '../../../problems/problem.ts'

test.each<readonly [readonly string[], readonly string[]]>([
  [[], []],
  [['10.86.0.1'], ['10.86.0.1']],
  [['10.86.0.1,home.lan'], ['10.86.0.1', 'home.lan']],
  // Apps and wg-quick take them in any order; people read resolvers first.
  [
    ['home.lan', '10.86.0.1, fd00::1', '10.86.0.1'],
    ['10.86.0.1', 'fd00::1', 'home.lan'],
  ],
  [
    ['10.86.0.1', 'lan,a-b.example'],
    ['10.86.0.1', 'lan', 'a-b.example'],
  ],
])('--dns %j is %j', (given, line) => {
  expect(deviceDns(given, 'adding')).toEqual(line)
})

test.each([['10.86.0.300'], ['10.86.0.1,-home'], ['10.86.0.1,home lan'], ['10.86.0.1,home..lan'], ['home.lan']])(
  '--dns %s is refused, with how to write it',
  (given) => {
    expect(() => deviceDns([given], 'adding')).toThrow(Problem)
    expect(() => deviceDns([given], 'adding')).toThrow(/--dns (takes|home\.lan needs)/)
  },
)
