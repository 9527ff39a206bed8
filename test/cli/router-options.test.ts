import { describe, expect, test } from 'vitest'
import { type RouterOptions, routerChoice } from '../../cli/router-options.ts'

const given = { router: 'mikrotik', host: '192.168.1.1', passwordFile: 'F' }
const FINGERPRINT = 'ab'.repeat(32)

describe('the router that a join is told of', () => {
  test('is this machine unless something else is said', () => {
    expect(routerChoice({ router: 'linux' })).toEqual({ kind: 'linux' })
  })

  test('is asked for its certificate when none was given', () => {
    expect(routerChoice(given)).toEqual({
      kind: 'mikrotik',
      host: '192.168.1.1',
      port: 8729,
      user: 'homeward',
      passwordFile: 'F',
      trust: { by: 'looking' },
    })
  })

  test.each([
    ['of its own port and user', { port: '9000', user: 'ada' }, { port: 9000, user: 'ada' }],
    [
      'pinned as RouterOS and openssl write it',
      { tlsFingerprint: 'AB:'.repeat(31) + 'AB' },
      { trust: { by: 'fingerprint', certificate: FINGERPRINT } },
    ],
    ['unencrypted by its owner’s word', { plain: true }, { port: 8728, trust: { by: 'nothing' } }],
  ])('may be %s', (_what, options, expected) => {
    expect(routerChoice({ ...given, ...options })).toMatchObject(expected)
  })

  test.each<[string, RouterOptions]>([
    ['--host and --plain failed', { router: 'linux', host: 'x', plain: true }],
    ['it also needs --host and --password-file', { router: 'mikrotik' }],
    ['it also needs --password-file', { router: 'mikrotik', host: 'x' }],
    ['--plain and --tls-fingerprint', { ...given, plain: true, tlsFingerprint: FINGERPRINT }],
    ['--port "0x1"', { ...given, port: '0x1' }],
    ['--port "70000"', { ...given, port: '70000' }],
    ['--tls-fingerprint', { ...given, tlsFingerprint: 'ab' }],
    ['--host "a b"', { ...given, host: 'a b' }],
  ])('is refused with what is wrong: %s', (said, options) => {
    expect(() => routerChoice(options)).toThrow(expect.objectContaining({ code: 'wrong-usage' }))
    expect(() => routerChoice(options)).toThrow(said)
  })

  test('of a kind that nobody knows is refused', () => {
    expect(() => routerChoice({ router: 'toaster' })).toThrow(expect.objectContaining({ code: 'router-unsupported' }))
  })
})
