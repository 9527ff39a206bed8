import { describe, expect, test } from 'vitest'
import { type RouterOptions, routerChoice } from '../../../cli/home/router-options.ts'

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
      credentials: { kind: 'password', file: 'F' },
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

  const openwrt = { router: 'openwrt', host: '192.168.1.1', identityFile: 'K' }
  const HEX = '0123456789abcdef'.repeat(4)
  const BASE64 = Buffer.from(HEX, 'hex').toString('base64').replace('=', '')

  test('is an OpenWrt router by its key, and asked for its host key when none was given', () => {
    expect(routerChoice(openwrt)).toEqual({
      kind: 'openwrt',
      host: '192.168.1.1',
      port: 22,
      user: 'root',
      credentials: { kind: 'key', file: 'K' },
      trust: { by: 'looking' },
    })
  })

  test.each([`SHA256:${BASE64}`, BASE64, HEX, HEX.toUpperCase()])('takes a host key as %s', (hostKey) => {
    expect(routerChoice({ ...openwrt, hostKey })).toMatchObject({ trust: { by: 'fingerprint', sha256: BASE64 } })
  })

  test.each<[string, RouterOptions]>([
    ['it also needs --host and --password-file or --identity-file', { router: 'openwrt' }],
    ['--password-file and --identity-file', { ...openwrt, passwordFile: 'F' }],
    ['--plain', { ...openwrt, plain: true }],
    ['--host-key', { ...openwrt, hostKey: 'SHA256:short' }],
    ['--host-key', { ...given, hostKey: BASE64 }],
  ])('as an OpenWrt router is refused with what is wrong: %s', (said, options) => {
    expect(() => routerChoice(options)).toThrow(expect.objectContaining({ code: 'wrong-usage' }))
    expect(() => routerChoice(options)).toThrow(said)
  })

  test('of a kind that nobody knows is refused', () => {
    expect(() => routerChoice({ router: 'toaster' })).toThrow(expect.objectContaining({ code: 'router-unsupported' }))
  })
})
