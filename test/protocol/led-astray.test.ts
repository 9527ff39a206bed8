import { expect, test } from 'vitest'
import { ledAstray } from '../../protocol/led-astray.ts'

test.each([
  '192.168.1.50',
  '10.1.2.3',
  '172.31.0.1',
  '100.64.0.9',
  '127.0.1.1',
  '169.254.1.1',
  'fd00::1',
  'fe80::1',
  '::1',
])('a name that leads to %s was led there by this network or machine, and that is what to put right', (address) => {
  const { said, next } = ledAstray('hub.example', address)
  expect(said).toBe(`hub.example leads to ${address} here`)
  expect(next).toContain('getent hosts hub.example')
})

test.each(['203.0.113.10', '172.32.0.1', '100.128.0.1', '2001:db8::10'])(
  'a name that leads to %s is only told: the internet may say so too',
  (address) => {
    expect(ledAstray('hub.example', address)).toEqual({ said: `hub.example leads to ${address} here`, next: undefined })
  },
)

test('an address leads nowhere else, and what was not reached is not told', () => {
  for (const [host, address] of [
    ['192.168.1.50', '192.168.1.50'],
    ['fd00::1', 'fd00::1'],
    ['hub.example', undefined],
  ] as const)
    expect(ledAstray(host, address)).toEqual({ said: '', next: undefined })
})
