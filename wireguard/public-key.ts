import { x25519 } from '@noble/curves/ed25519.js'
import type { PrivateKey, PublicKey } from './keys.ts'

/** What `wg pubkey` prints for this key. In a file of its own: the curve costs 13 MB, and an agent never needs it. */
export function publicKeyOf(key: PrivateKey): PublicKey {
  const bytes = Uint8Array.from(atob(key), (character) => character.charCodeAt(0))
  return btoa(String.fromCharCode(...x25519.getPublicKey(bytes))) as PublicKey
}
