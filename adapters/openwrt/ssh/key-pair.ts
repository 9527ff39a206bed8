/** A key to log in with. */
export interface KeyPair {
  /** The private key in OpenSSH's format. */
  readonly private: string
  /** The public key as a line of authorized_keys. */
  readonly public: string
}

/** Types of key to try: where a small flash left ed25519 out of dropbear (openwrt#17901), RSA is left. */
export const KEY_KINDS = ['ed25519', 'rsa'] as const

/** The last word of the public lines of our keys. */
export const KEY_COMMENT = 'homeward'

const RSA_BITS = 3072

/**
 * Makes a key to log in with. ssh2 1.17 strips leading zeros from the public half of an ed25519 key, which then nobody
 * can read: one of 256 has one, and another is made in its place.
 */
export async function newKeyPair(kind: (typeof KEY_KINDS)[number], comment: string): Promise<KeyPair> {
  const { default: ssh2 } = await import('ssh2')
  const { utils } = ssh2
  if (kind === 'rsa') return utils.generateKeyPairSync(kind, { bits: RSA_BITS, comment })
  for (;;) {
    const pair = utils.generateKeyPairSync(kind, { comment })
    if (!(utils.parseKey(pair.private) instanceof Error)) return pair
  }
}

/** A private key with its public line, as {@link newKeyPair} makes them; null: the text is no key. */
export async function pairOf(text: string, comment: string): Promise<KeyPair | null> {
  const { default: ssh2 } = await import('ssh2')
  const key = ssh2.utils.parseKey(text)
  if (key instanceof Error) return null
  return { private: text, public: `${key.type} ${key.getPublicSSH().toString('base64')} ${comment}` }
}
