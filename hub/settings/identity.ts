import { Problem } from '../../problems/problem.ts'
import { parsePrivateKey, type PublicKey } from '../../wireguard/keys.ts'
import { publicKeyOf } from '../../wireguard/public-key.ts'
import { fingerprintOf } from './certificate.ts'
import { type IdentityFile, type IdentityFiles, identityFiles, readFormed } from './identity-files.ts'
import { readHandOver } from './kept-hand-over.ts'
import type { HubPaths } from './paths.ts'

/** The keys by which others know this hub. */
export interface Identity {
  /** WireGuard's public key. */
  readonly publicKey: PublicKey
  /** The registrar's certificate and key, PEM. The key is a secret. */
  readonly tls: { readonly key: string; readonly certificate: string }
  /** SHA-256 of the certificate, as tokens pin it. */
  readonly fingerprint: string
  /** Files that are damaged, and were read from their copies. */
  readonly fromCopies: readonly string[]
}

/** Reads the identity that counts. @throws {Problem} `config-unreadable`, `secret-exposed`, `config-invalid`. */
export async function readIdentity(paths: HubPaths): Promise<Identity> {
  const handOver = await readHandOver(paths)
  return await identityIn(identityFiles(paths, handOver?.present?.certificate ?? null))
}

/**
 * A file that is damaged is read from its copy, where there is one. One that others may read is refused all the same.
 * @throws {Problem} `config-unreadable`, `secret-exposed`, `config-invalid`.
 */
export async function identityIn(files: IdentityFiles): Promise<Identity> {
  const fromCopies: string[] = []

  async function read(file: IdentityFile): Promise<string> {
    try {
      return await readFormed(file, file.path)
    } catch (thrown) {
      if (thrown instanceof Problem && thrown.code === 'secret-exposed') throw thrown
      const kept = await readFormed(file, file.copy).catch(() => null)
      if (kept === null) throw thrown
      fromCopies.push(file.path)
      return kept
    }
  }

  const privateKey = await read(files.privateKey)
  const key = await read(files.tlsKey)
  const certificate = await read(files.certificate)
  return {
    publicKey: publicKeyOf(parsePrivateKey(privateKey)),
    tls: { key, certificate },
    fingerprint: fingerprintOf(certificate),
    fromCopies,
  }
}

export function isReadFromCopy({ fromCopies }: Pick<Identity, 'fromCopies'>, { path }: IdentityFile): boolean {
  return fromCopies.includes(path)
}
