import { createHash } from 'node:crypto'

/** The key that identifies the router. */
export interface HostKey {
  readonly type: HostKeyType
  /** SHA-256 of the raw key, base64 without padding: what ssh-keygen -l prints after `SHA256:`. */
  readonly sha256: string
}

/** The types of dropbear and OpenSSH; the first that the router offers is taken while its key is not known yet. */
export const HOST_KEY_TYPES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa'] as const
type HostKeyType = (typeof HOST_KEY_TYPES)[number]

/** Algorithms for a type of key. RSA keys sign with SHA-2 in every dropbear since 2020.79. */
export function algorithmsOf(
  type: HostKeyType,
): ('ssh-ed25519' | 'ecdsa-sha2-nistp256' | 'rsa-sha2-256' | 'rsa-sha2-512')[] {
  return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]
}

/** Reads a host key, which begins with the length and the name of its type (RFC 4253, section 6.6). */
export function hostKeyIn(key: Buffer): HostKey | null {
  const type = key.subarray(4, 4 + (key.length < 4 ? 0 : key.readUInt32BE(0))).toString('latin1')
  const known = HOST_KEY_TYPES.find((name) => name === type)
  const sha256 = createHash('sha256').update(key).digest('base64').replace(/=+$/, '')
  return known === undefined ? null : { type: known, sha256 }
}
