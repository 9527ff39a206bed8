import { Decrypter, Encrypter } from 'age-encryption'

/**
 * 2^16 rounds of scrypt with blocks of 1 KiB take 64 MB: twice that, or age's own 2^18 with 256 MB, would be more than a
 * Pi Zero of 512 MB has beside everything else. The passphrase has to make up for it: eight characters at least.
 */
const SCRYPT_LOG_N = 16

/** Encrypts by a passphrase, in the age format (age-encryption.org/v1): `age --decrypt` opens it too. */
export async function seal(bytes: Uint8Array, passphrase: string): Promise<Uint8Array> {
  const encrypter = new Encrypter()
  encrypter.setPassphrase(passphrase)
  encrypter.setScryptWorkFactor(SCRYPT_LOG_N)
  return await encrypter.encrypt(bytes)
}

/** How a file could not be opened. */
export type Unopened = 'no-backup' | 'wrong-passphrase' | 'damaged'

/** The first line of everything that age has encrypted. */
const AGE = 'age-encryption.org/v1\n'

/** @returns the content, or why there is none. */
export async function unseal(sealed: Uint8Array, passphrase: string): Promise<Uint8Array | Unopened> {
  if (Buffer.from(sealed.subarray(0, AGE.length)).toString('latin1') !== AGE) return 'no-backup'
  const decrypter = new Decrypter()
  decrypter.addPassphrase(passphrase)
  try {
    return await decrypter.decrypt(sealed)
  } catch (thrown) {
    // The file's own key opens by the passphrase or does not; everything behind it is authenticated by that key.
    return thrown instanceof Error && thrown.message.startsWith('no identity matched') ? 'wrong-passphrase' : 'damaged'
  }
}
