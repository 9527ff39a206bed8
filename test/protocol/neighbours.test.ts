import { describe, expect, test } from 'vitest'
import { distance, farApart, isOlder } from '../../protocol/neighbours.ts'

describe('two versions', () => {
  test.each([
    ['0.1.0', '0.1.0', 'same'],
    ['0.1.0', '0.1.7', 'same'],
    ['0.1.0', '0.1.0+g0123456789ab.dirty', 'same'],
    ['0.1.0', '0.2.0', 'near'],
    ['0.3.1', '0.2.9', 'near'],
    ['1.0.0', '1.1.0', 'near'],
    ['0.1.0', '0.3.0', 'far'],
    ['0.9.0', '1.0.0', 'far'],
    ['1.9.0', '2.0.0', 'far'],
  ] as const)('%s and %s are %s', (one, other, expected) => {
    expect(distance(one, other)).toBe(expected)
    expect(distance(other, one)).toBe(expected)
  })

  test('the older one is that with the smaller number, first to last', () => {
    expect(isOlder('0.9.0', '0.10.0')).toBe(true)
    expect(isOlder('1.0.0', '0.10.0')).toBe(false)
    expect(isOlder('0.1.2', '0.1.10')).toBe(true)
    expect(isOlder('0.1.0+g0123456789ab', '0.1.0')).toBe(false)
  })

  test('people hear of them where they are far apart, and which one to upgrade', () => {
    const home = { name: 'cabin', runs: '0.1.0' }
    expect(farApart(home, { name: 'this hub', runs: '0.2.0' })).toBeNull()
    expect(farApart(home, { name: 'this hub', runs: '0.3.0' })).toMatch(/upgrade cabin \(/)
    expect(farApart({ name: 'this hub', runs: '0.3.0' }, home)).toMatch(/upgrade cabin \(/)
  })
})
