import { createPrivateKey, createPublicKey } from 'node:crypto'
import * as fc from '../properties.ts'
import { describe, expect, test } from 'vitest'
import {
  isKeyText,
  parsePresharedKey,
  parsePrivateKey,
  parsePublicKey,
  presharedKeyFrom,
  privateKeyFrom,
} from '../../wireguard/keys.ts'
import { presharedKeyId } from '../../wireguard/preshared-id.ts'
import { publicKeyOf } from '../../wireguard/public-key.ts'

/** RFC 8410, section 7: what stands before the 32 bytes of an X25519 key. */
function opensslPublicKey(privateKey: Uint8Array): string {
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), privateKey])
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  return key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')
}

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const bytesOf = (key: string): Uint8Array => Uint8Array.from(Buffer.from(key, 'base64'))

describe('a private key', () => {
  test('is clamped as RFC 7748 says, and keeps every other bit', () => {
    fc.assert(
      fc.property(bytes32, (random) => {
        const bytes = bytesOf(privateKeyFrom(random))
        expect(bytes[0]! & 0b0000_0111).toBe(0)
        expect(bytes[31]! & 0b1100_0000).toBe(0b0100_0000)
        expect(bytes.slice(1, 31)).toEqual(Uint8Array.from(random.slice(1, 31)))
        expect(bytes[0]! & 0b1111_1000).toBe(random[0]! & 0b1111_1000)
        expect(bytes[31]! & 0b0011_1111).toBe(random[31]! & 0b0011_1111)
      }),
    )
  })

  test('leaves the bytes that it is made from alone', () => {
    const random = new Uint8Array(32).fill(255)
    privateKeyFrom(random)
    expect(random).toEqual(new Uint8Array(32).fill(255))
  })

  test('has the public key of RFC 7748, section 6.1 (Bob’s)', () => {
    const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))
    const bob = privateKeyFrom(hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'))
    const public32 = hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
    expect(bytesOf(publicKeyOf(bob))).toEqual(public32)
  })

  test('has the public key that OpenSSL finds', () => {
    fc.assert(
      fc.property(bytes32, (random) => {
        const key = privateKeyFrom(random)
        expect(publicKeyOf(key)).toBe(opensslPublicKey(bytesOf(key)))
      }),
    )
  })

  test.each([0, 31, 33])('is not made from %i bytes', (length) => {
    expect(() => privateKeyFrom(new Uint8Array(length))).toThrow(`a key has 32 bytes, not ${length}`)
  })
})

describe('the text of a key', () => {
  test('is that of 32 bytes in the one spelling that wg prints', () => {
    fc.assert(
      fc.property(bytes32, (bytes) => {
        const text = presharedKeyFrom(bytes)
        expect(isKeyText(text)).toBe(true)
        expect(bytesOf(text)).toEqual(Uint8Array.from(bytes))
        expect(parsePresharedKey(` ${text}\n`)).toBe(text)
      }),
    )
  })

  test('is nothing else', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.base64String(), fc.base64String({ minLength: 44, maxLength: 44 })),
        (text) => {
          const isOne = bytesOf(text).length === 32 && Buffer.from(bytesOf(text)).toString('base64') === text
          expect(isKeyText(text)).toBe(isOne)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('that is wrong is not repeated in the error, since it may be a secret', () => {
    for (const parse of [parsePublicKey, parsePrivateKey, parsePresharedKey])
      expect(() => parse('hunter2hunter2')).toThrow(/^(?!.*hunter2).*expected 44 base64 characters$/)
  })
})

test('a preshared key’s name is always the same, another one for another key, and does not tell the key', () => {
  fc.assert(
    fc.property(bytes32, bytes32, (one, other) => {
      const [a, b] = [presharedKeyFrom(one), presharedKeyFrom(other)]
      expect(presharedKeyId(a)).toMatch(/^[0-9a-f]{16}$/)
      expect(presharedKeyId(a) === presharedKeyId(b)).toBe(a === b)
      expect(Buffer.from(one).toString('hex')).not.toContain(presharedKeyId(a))
    }),
  )
})
