import { createCipheriv, randomBytes } from 'node:crypto'
import { x25519 } from '@noble/curves/ed25519.js'
import { blake2s } from '@noble/hashes/blake2.js'
import { hmac } from '@noble/hashes/hmac.js'

/**
 * A WireGuard handshake initiation, made by hand (https://www.wireguard.com/protocol/, "First Message: Initiator to
 * Responder"): what a home whose clock was ahead would have sent. The responder keeps its timestamp, and refuses every
 * initiation of that key with an earlier one for as long as it has the peer.
 * @param sentAt what its TAI64N timestamp says.
 * @returns 148 bytes.
 */
export function forgeInitiation(
  initiatorPrivate: Uint8Array,
  responderPublic: Uint8Array,
  sentAt: { readonly unixSeconds: number },
): Buffer {
  const ephemeral = x25519.utils.randomSecretKey()
  const ephemeralPublic = x25519.getPublicKey(ephemeral)
  let chain = hash(text('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s'))
  let transcript = hash(hash(chain, text('WireGuard v1 zx2c4 Jason@zx2c4.com')), responderPublic)
  transcript = hash(transcript, ephemeralPublic)
  const [afterEphemeral] = derive(chain, ephemeralPublic)
  const [afterStatic, keyOfStatic] = derive(afterEphemeral, x25519.getSharedSecret(ephemeral, responderPublic))
  const sealedStatic = seal(keyOfStatic, x25519.getPublicKey(initiatorPrivate), transcript)
  transcript = hash(transcript, sealedStatic)
  const [, keyOfTime] = derive(afterStatic, x25519.getSharedSecret(initiatorPrivate, responderPublic))
  const sealedTime = seal(keyOfTime, tai64n(sentAt.unixSeconds), transcript)
  const unsigned = Buffer.concat([Buffer.of(1, 0, 0, 0), randomBytes(4), ephemeralPublic, sealedStatic, sealedTime])
  const mac1 = blake2s(unsigned, { key: hash(text('mac1----'), responderPublic), dkLen: 16 })
  return Buffer.concat([unsigned, mac1, Buffer.alloc(16)])
}

function text(of: string): Uint8Array {
  return Buffer.from(of, 'latin1')
}

function hash(...parts: readonly Uint8Array[]): Uint8Array {
  return blake2s(Buffer.concat(parts))
}

/** KDF2 of the protocol: HKDF (RFC 5869) with HMAC-BLAKE2s, its first two outputs: the next chaining key, and a key. */
function derive(chain: Uint8Array, input: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const secret = hmac(blake2s, chain, input)
  const first = hmac(blake2s, secret, Uint8Array.of(1))
  return [first, hmac(blake2s, secret, Buffer.concat([first, Uint8Array.of(2)]))]
}

/** ChaCha20-Poly1305 (RFC 8439) with the nonce 0: each key here is used once. */
function seal(key: Uint8Array, plain: Uint8Array, bound: Uint8Array): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 })
  cipher.setAAD(bound, { plaintextLength: plain.length })
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** https://cr.yp.to/libtai/tai64.html; WireGuard takes 10 s between TAI and Unix time, and no leap second after. */
function tai64n(unixSeconds: number): Buffer {
  const stamp = Buffer.alloc(12)
  stamp.writeBigUInt64BE(0x4000_0000_0000_000an + BigInt(Math.floor(unixSeconds)))
  return stamp
}
