import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../system/process/run-command.ts'
import { SIGNATURE, SUMS } from './sums.ts'

/** Whose key it is and what it may sign, in `allowed_signers` and in install.sh (ssh-keygen(1), ALLOWED SIGNERS). */
export const SIGNER = 'homeward'
export const NAMESPACE = 'homeward-release'

/** A pass phrase or a security key may be asked for. */
const ASKING_MS = 300_000

/**
 * Signs the sums of a folder by OpenSSH, which every Debian has, and which signs the same way each time with an Ed25519
 * key (RFC 8032, 5.1.6).
 * @param key the path of the private key, or of its public half where an agent holds it.
 * @throws where the key is none of those in `signers`: nobody could verify what it signed.
 */
export async function sign(folder: string, key: string, signers: string): Promise<void> {
  const sums = join(folder, SUMS)
  const signature = join(folder, SIGNATURE)
  // One that is there already would be asked about.
  await rm(signature, { force: true })
  await runCommand('ssh-keygen', ['-Y', 'sign', '-f', key, '-n', NAMESPACE, sums], { timeoutMs: ASKING_MS })
  await runCommand('ssh-keygen', ['-Y', 'verify', '-f', signers, '-I', SIGNER, '-n', NAMESPACE, '-s', signature], {
    input: await readFile(sums, 'utf8'),
  }).catch(async (cause: unknown) => {
    await rm(signature, { force: true })
    throw new Error(`the key ${key} is none of those in allowed_signers: put its public half there first`, { cause })
  })
}
