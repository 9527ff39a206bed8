import { createHmac, hkdfSync } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  formatPickupCode,
  formatPickupLock,
  isPickupCode,
  isProof,
  newPickupCode,
  parsePickupCode,
  parsePickupLock,
  pickupLock,
  pickupSecret,
  proofOf,
} from '../../protocol/pickup.ts'
import * as fc from '../properties.ts'

test.each([
  ['vps.example.org', 51_820, /@vps\.example\.org$/],
  ['203.0.113.10', 51_821, /@203\.0\.113\.10:51821$/],
  ['2001:db8::1', 51_820, /@\[2001:db8::1\]$/],
  ['2001:db8::1', 443, /@\[2001:db8::1\]:443$/],
])('a code for %s, port %i, is read as it was printed, also in several lines', (host, port, end) => {
  const code = newPickupCode(host, port)
  const text = formatPickupCode(code)
  expect(text).toMatch(end)
  expect(isPickupCode(text)).toBe(true)
  expect(parsePickupCode(`  ${text.slice(0, 9)}\n${text.slice(9)}\n`)).toEqual(code)
})

test('a lost or changed character, another place or none is told, and the code is not quoted', () => {
  const text = formatPickupCode(newPickupCode('vps.example.org', 51_820))
  const [, code = ''] = text.split('.')
  const other = code.startsWith('A') ? 'B' : 'A'
  const bad = [text.replace(code, other + code.slice(1)), text.replace(code, code.slice(1)), text.split('@')[0]!]
  for (const one of [...bad, `${text}:0`, `${text}:65536`, `${text.split('@')[0]!}@-`, 'hwp1.', 'hwp2.x']) {
    const thrown = (() => {
      try {
        return parsePickupCode(one)
      } catch (error) {
        return error as Error
      }
    })()
    expect(thrown).toMatchObject({ code: 'token-damaged' })
    expect((thrown as Error).message).not.toContain(code.slice(2, 20))
  }
  fc.assert(
    fc.property(fc.string(), (any) => {
      expect(() => parsePickupCode(any)).toThrow('reading the code')
    }),
  )
})

test('a token is no code', () => expect(isPickupCode('hw1.abc.def')).toBe(false))

test('what the hub is given is derived by HKDF, and neither the code nor the secret is in it', () => {
  const code = newPickupCode('vps.example.org', 51_820)
  const bytes = Buffer.from(code.code, 'base64url')
  expect(bytes).toHaveLength(16)
  const lock = pickupLock(code)
  const key = Buffer.from(hkdfSync('sha256', bytes, '', 'homeward pickup certificate', 32))
  expect(lock.key).toBe(key.toString('base64url'))
  const text = formatPickupLock(lock)
  expect(text).not.toContain(code.code)
  expect(text).not.toContain(pickupSecret(code))
  expect(parsePickupLock(`${text}\n`)).toEqual(lock)
  const certificate = 'ab'.repeat(32)
  expect(proofOf(lock, certificate)).toBe(createHmac('sha256', key).update(certificate).digest('hex'))
})

test('the proof of another certificate, or by another code, is none', () => {
  const [mine, other] = [newPickupCode('a', 1), newPickupCode('a', 1)].map(pickupLock)
  const certificate = 'ab'.repeat(32)
  expect(isProof(mine!, certificate, proofOf(mine!, certificate))).toBe(true)
  expect(isProof(mine!, 'cd'.repeat(32), proofOf(mine!, certificate))).toBe(false)
  expect(isProof(mine!, certificate, proofOf(other!, certificate))).toBe(false)
})

test.each(['', 'hwl1', 'hwl1.a.b', 'hwl2.x.y', 'hw1.x.y'])('%j is no lock', (text) =>
  expect(() => parsePickupLock(text)).toThrow(expect.objectContaining({ code: 'token-damaged' })),
)
