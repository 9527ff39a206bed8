import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { fingerprintOf, makeCertificate } from '../../hub/settings/certificate.ts'
import {
  hashOfKey,
  IdentityAnswer,
  MOST_SUCCESSIONS,
  signSuccession,
  type Succession,
  successorsOf,
} from '../../protocol/succession.ts'
import { parsePublicKey } from '../../wireguard/keys.ts'

const identity = () => {
  const tls = makeCertificate(['203.0.113.10'])
  return { ...tls, publicKey: parsePublicKey(randomBytes(32).toString('base64')), pin: fingerprintOf(tls.certificate) }
}
const [first, second, third, stranger] = [identity(), identity(), identity(), identity()]
const [one, two] = [signSuccession(first, second), signSuccession(second, third)]
const endOf = (pin: string, successions: readonly Succession[]) => successorsOf(pin, successions).at(-1)?.certificate

describe('a hand-over of the hub’s identity', () => {
  test('is followed from the pin to what it was signed for, step by step', () => {
    expect(successorsOf(first.pin, [one, two])).toEqual([
      { certificate: second.pin, keyHash: hashOfKey(second.publicKey) },
      { certificate: third.pin, keyHash: hashOfKey(third.publicKey) },
    ])
    expect(endOf(second.pin, [one, two])).toBe(third.pin)
    expect(endOf(third.pin, [one, two])).toBeUndefined()
    expect(endOf(stranger.pin, [one, two])).toBeUndefined()
  })

  test.each<[string, Succession]>([
    ['by a stranger’s key', { ...one, signature: signSuccession(stranger, second).signature }],
    ['by the next one alone', { ...one, signature: one.acceptance }],
    ['by the earlier one alone', { ...one, acceptance: one.signature }],
    ['for another certificate', { ...one, next: signSuccession(first, stranger).next }],
    ['for another WireGuard key', { ...one, keyHash: hashOfKey(stranger.publicKey) }],
    ['as a whole by a stranger', { ...signSuccession(stranger, second), certificate: one.certificate }],
    ['with nothing', { ...one, signature: 'AAAA' }],
    ['by what is no certificate', { ...one, next: Buffer.from('no certificate').toString('base64') }],
  ])('that is signed %s leads nowhere, and nothing beyond it does', (_, forged) => {
    expect(successorsOf(first.pin, [forged])).toEqual([])
    expect(successorsOf(first.pin, [forged, two])).toEqual([])
    // What was signed beside it counts.
    expect(endOf(first.pin, [forged, one, two])).toBe(third.pin)
  })

  test('leads nowhere backwards, nor around', () => {
    expect(endOf(first.pin, [two, one])).toBe(second.pin)
    const back = signSuccession(second, first)
    expect(successorsOf(first.pin, [one, back, one, back])).toHaveLength(4)
  })

  test('is not signed with a key that is not the certificate’s', () => {
    expect(() => signSuccession({ ...first, key: stranger.key }, second)).toThrow(TypeError)
    expect(() => signSuccession(first, { ...second, key: stranger.key })).toThrow(TypeError)
  })

  test('is told in bounds, without the WireGuard key', () => {
    const answer = { successions: Array.from({ length: MOST_SUCCESSIONS }, () => one) }
    expect(v.is(IdentityAnswer, answer)).toBe(true)
    expect(v.is(IdentityAnswer, { successions: [...answer.successions, one] })).toBe(false)
    expect(v.is(IdentityAnswer, { successions: [{ ...one, certificate: '<x>' }] })).toBe(false)
    expect(v.is(IdentityAnswer, { successions: [{ ...one, next: 'A'.repeat(10_000) }] })).toBe(false)
    expect(JSON.stringify(one)).not.toContain(second.publicKey)
  })
})
