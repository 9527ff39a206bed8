import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { PresharedKey, PresharedKeyId } from './keys.ts'

/**
 * A name for a preshared key: the first 64 bits of a SHA-256 over it. The key has 256 random bits, so the name
 * gives nothing away, and two specs can be compared, printed and logged without the secret.
 */
export function presharedKeyId(key: PresharedKey): PresharedKeyId {
  return bytesToHex(sha256(utf8ToBytes(`homeward preshared key ${key}`))).slice(0, 16) as PresharedKeyId
}
