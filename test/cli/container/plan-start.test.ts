import { describe, expect, test } from 'vitest'
import type { GivenOptions } from '../../../cli/container/options.ts'
import { planStart } from '../../../cli/container/plan-start.ts'

const none = { role: 'none', acted: null } as const
const home = { role: 'home', acted: { token: 'one', lan: [] } } as const

describe('without settings', () => {
  test('a token makes a home', () => {
    const given = { token: 'hw1.a.b', lan: ['192.168.1.0/24'] }
    expect(planStart(given, 'one', none)).toEqual([{ do: 'join', token: 'hw1.a.b', given }])
  })
  test('an address makes a hub', () => {
    const given = { address: ['vps.example.org'], port: 443 }
    expect(planStart(given, null, none)).toEqual([{ do: 'init', given }])
  })
  test('neither says what is to be given', () => {
    expect(() => planStart({}, null, none)).toThrow(/HOMEWARD_TOKEN_FILE.*HOMEWARD_ADDRESS/)
  })
  test('both is too much', () => {
    expect(() => planStart({ token: 'hw1.a.b', address: ['vps.example.org'] }, 'one', none)).toThrow(
      /Leave one of them out/,
    )
  })
})

describe('with settings', () => {
  test('nothing is done again: with the token that was used up, and with none any more', () => {
    expect(planStart({ token: 'hw1.a.b' }, 'one', home)).toEqual([])
    expect(planStart({}, null, home)).toEqual([])
    expect(planStart({ address: ['vps.example.org'] }, null, { role: 'hub', acted: null })).toEqual([])
  })
  test('another token joins again', () => {
    expect(planStart({ token: 'hw1.c.d' }, 'two', home)).toEqual([{ do: 'join-again', token: 'hw1.c.d' }])
  })
  test('networks follow the option, and its absence means those that the machine is in', () => {
    const lan = ['192.168.7.0/24']
    expect(planStart({ lan }, null, home)).toEqual([{ do: 'lan', lan }])
    expect(planStart({}, null, { ...home, acted: { token: 'one', lan } })).toEqual([{ do: 'lan', lan: ['auto'] }])
    expect(planStart({ lan }, null, { ...home, acted: { token: 'one', lan } })).toEqual([])
  })
  test('of a home that joined by hand the networks stay as they are', () => {
    expect(planStart({}, null, { role: 'home', acted: null })).toEqual([])
  })
  test.each([
    ['home', { address: ['vps.example.org'] }],
    ['hub', { token: 'hw1.a.b' }],
  ] satisfies readonly (readonly ['home' | 'hub', GivenOptions])[])(
    'a %s is not made the other thing',
    (role, given) => {
      expect(() => planStart(given, null, { role, acted: null })).toThrow(`/data has the settings of a ${role}`)
    },
  )
})
