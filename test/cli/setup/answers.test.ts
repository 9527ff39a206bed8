import { describe, expect, test } from 'vitest'
import type { FoundRouter } from '../../../adapters/discovery/routers.ts'
import { foundText } from '../../../cli/setup/choose-end.ts'
import { roleIn, type SetupOptions } from '../../../cli/setup/options.ts'
import { type Known, refuseUnanswered, unanswered } from '../../../cli/setup/unanswered.ts'
import { guessRole } from '../../../cli/setup/which-machine.ts'
import { Problem } from '../../../problems/problem.ts'

const NONE: SetupOptions = { address: [], lan: [] }
const KNOWN: Known = {
  role: null,
  guess: { role: 'home', why: 'it is a Raspberry Pi' },
  isSetUp: false,
  address: 'known',
  yes: false,
}
const problemOf = (act: () => unknown): Problem => {
  try {
    act()
  } catch (thrown) {
    if (thrown instanceof Problem) return thrown
    throw thrown
  }
  throw new Error('nothing was refused')
}

describe('which machine this is', () => {
  const nothing = { publicAddresses: [], provider: null, board: null }
  test.each([
    ['a Raspberry Pi', { ...nothing, board: 'Raspberry Pi 4 Model B Rev 1.4' }, 'home'],
    [
      'a Pi on a network with public addresses',
      { ...nothing, board: 'Raspberry Pi 5', publicAddresses: ['203.0.113.9'] },
      'home',
    ],
    ['a machine with a public address', { ...nothing, publicAddresses: ['203.0.113.9'] }, 'hub'],
    ['a provider’s machine whose own address is private', { ...nothing, provider: 'AWS' }, 'hub'],
    ['anything else', nothing, 'home'],
    ['another board', { ...nothing, board: 'Radxa ROCK 5B' }, 'home'],
  ] as const)('%s', (_what, signs, role) => {
    expect(guessRole(signs).role).toBe(role)
  })
})

describe('the role that options name', () => {
  test('is said, or follows from those that only one has', () => {
    expect(roleIn(NONE)).toBeNull()
    expect(roleIn({ ...NONE, as: 'hub' })).toBe('hub')
    expect(roleIn({ ...NONE, home: 'cabin' })).toBe('hub')
    expect(roleIn({ ...NONE, tokenFile: '-' })).toBe('home')
    expect(roleIn({ ...NONE, device: true })).toBeNull()
    expect(roleIn({ ...NONE, device: 'phone' })).toBe('home')
  })

  test.each([
    ['neither', { ...NONE, as: 'vps' }],
    ['both', { ...NONE, home: 'cabin', tokenFile: '-' }],
    ['of the other', { ...NONE, as: 'hub', tokenFile: '-' }],
    ['of the other', { ...NONE, as: 'home', address: ['203.0.113.10'] }],
  ])('is refused where it is %s', (_what, options) => {
    expect(problemOf(() => roleIn(options)).code).toBe('wrong-usage')
  })
})

describe('what options leave open, without a terminal', () => {
  test('is all said at once, with the guess', () => {
    const { code, next } = problemOf(() => refuseUnanswered(NONE, KNOWN))
    expect(code).toBe('setup-unanswered')
    for (const option of ['--as hub or --as home', 'Raspberry Pi', '--token-file', '--yes'])
      expect(next).toContain(option)
  })

  test.each([
    [
      'a hub',
      { ...NONE, as: 'hub' },
      { role: 'hub', address: { why: 'nobody said' } },
      ['--address', '--home', '--yes'],
    ],
    ['a hub with an address', { ...NONE, home: 'cabin' }, { role: 'hub' }, ['--yes']],
    ['a hub that is there', { ...NONE, as: 'hub' }, { role: 'hub', isSetUp: true }, ['--home']],
    ['a home that is there', NONE, { role: 'home', isSetUp: true }, []],
    ['a home', { ...NONE, tokenFile: '-' }, { role: 'home', yes: true }, []],
    [
      'a home on a MikroTik',
      { ...NONE, tokenFile: '-', router: 'mikrotik' },
      { role: 'home', yes: true },
      ['--host', '--password-file', '--tls-fingerprint'],
    ],
    [
      'a home on OpenWrt',
      { ...NONE, tokenFile: '-', router: 'openwrt', host: '192.168.1.1' },
      { role: 'home', yes: true },
      ['--password-file', '--host-key'],
    ],
  ] as const)('%s', (_what, options, known, expected) => {
    const open = unanswered(options, { ...KNOWN, ...known })
    expect(open.map((one) => /^--[a-z-]+/.exec(one)?.[0])).toEqual(expected)
  })
})

test('a router’s own words cannot move the cursor, nor end their quotes', () => {
  const router: FoundRouter = {
    address: '192.168.1.1',
    kind: 'mikrotik',
    isGateway: true,
    name: 'attic"\u001B[2J\n) is safe',
    model: null,
    signs: ['port 8729 of the RouterOS API is open'],
    ports: new Set([8729]),
  }
  expect(foundText(router)).toBe(
    `MikroTik at 192.168.1.1 ("attic'\uFFFD[2J ) is safe"), which leads to the internet: port 8729 of the RouterOS API is open.`,
  )
})
