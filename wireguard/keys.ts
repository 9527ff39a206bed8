/** A public key: base64 text of 32 bytes, as wg(8) prints it: 43 characters and one `=`. */
export type PublicKey = string & { readonly __brand: 'PublicKey' }
/** A private key. Secret: never in argv, logs, errors or `status`. */
export type PrivateKey = string & { readonly __brand: 'PrivateKey' }
/** A preshared key, secret: 256 random bits mixed into the handshake. */
export type PresharedKey = string & { readonly __brand: 'PresharedKey' }

/** A name of a preshared key that does not reveal it, so that specs, plans and logs can hold it. 16 hex digits. */
export type PresharedKeyId = string & { readonly __brand: 'PresharedKeyId' }

/**
 * Makes a private key from 32 random bytes, clamped as RFC 7748, section 5, says (what `wg genkey` does too).
 * The bytes come from the caller: this room has no randomness.
 */
export function privateKeyFrom(random: Uint8Array): PrivateKey {
  const bytes = Uint8Array.from(exactly32(random))
  // RFC 7748 section 5: clear the three lowest bits of the first byte and the highest of the last, set the second highest.
  bytes[0] = (bytes[0] ?? 0) & 0b1111_1000
  bytes[31] = ((bytes[31] ?? 0) & 0b0111_1111) | 0b0100_0000
  return toBase64(bytes) as PrivateKey
}

/** Makes a preshared key from 32 random bytes (any 32 bytes are one). */
export function presharedKeyFrom(random: Uint8Array): PresharedKey {
  return toBase64(exactly32(random)) as PresharedKey
}

/** Whether the text is the base64 of exactly 32 bytes, in its one canonical spelling. */
export function isKeyText(text: string): boolean {
  // The last of the 43 characters carries two bits only, so wg(8) accepts 16 of the 64 there.
  return /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text)
}

/** @throws {TypeError} when the text is no key. The message does not repeat the text: it may be a secret. */
export function parsePublicKey(text: string): PublicKey {
  return parse(text, 'public key') as PublicKey
}

/** @throws {TypeError} when the text is no key. */
export function parsePrivateKey(text: string): PrivateKey {
  return parse(text, 'private key') as PrivateKey
}

/** @throws {TypeError} when the text is no key. */
export function parsePresharedKey(text: string): PresharedKey {
  return parse(text, 'preshared key') as PresharedKey
}

function parse(text: string, what: string): string {
  const trimmed = text.trim()
  if (!isKeyText(trimmed)) throw new TypeError(`not a ${what}: expected 44 base64 characters`)
  return trimmed
}

function exactly32(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 32) throw new TypeError(`a key has 32 bytes, not ${bytes.length}`)
  return bytes
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
