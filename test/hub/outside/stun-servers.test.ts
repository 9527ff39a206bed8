import { expect, test } from 'vitest'
import { STUN_SERVERS, stunServersIn } from '../../../hub/outside/stun-servers.ts'

test('servers are read with and without a port, of both families', () => {
  expect(stunServersIn('stun.example.org, 192.0.2.1:19302,[2001:db8::1]:3479,[2001:db8::2]')).toEqual([
    { host: 'stun.example.org', port: 3478 },
    { host: '192.0.2.1', port: 19_302 },
    { host: '2001:db8::1', port: 3479 },
    { host: '2001:db8::2', port: 3478 },
  ])
  expect(stunServersIn('none')).toEqual([])
})

test.each(['', 'a b', 'stun:stun.example.org', '2001:db8::1', 'x:0', 'x:65536', 'x,', 'a,b,c,d,e'])(
  '%j is none',
  (text) => expect(() => stunServersIn(text)).toThrow(expect.objectContaining({ code: 'wrong-usage' })),
)

test('by default two are asked whose operators are not the same', () => {
  const operators = STUN_SERVERS.map(({ host }) => host.split('.').slice(-2).join('.'))
  expect(new Set(operators).size).toBe(2)
})
