import { readFile } from 'node:fs/promises'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { readSecretFile } from '../../system/files/secret-file.ts'
import { parsePrivateKey, type PublicKey } from '../../wireguard/keys.ts'
import { publicKeyOf } from '../../wireguard/public-key.ts'
import { fingerprintOf } from './certificate.ts'
import type { HubPaths } from './paths.ts'

/** The keys by which others know this hub. */
export interface Identity {
  /** WireGuard's public key. */
  readonly publicKey: PublicKey
  /** The registrar's certificate and key, PEM. The key is a secret. */
  readonly tls: { readonly key: string; readonly certificate: string }
  /** SHA-256 of the certificate, as tokens pin it. */
  readonly fingerprint: string
}

/** @throws {Problem} `config-unreadable`, `secret-exposed`, `config-invalid`. */
export async function readIdentity(paths: HubPaths): Promise<Identity> {
  const privateKey = await readSecretFile(paths.privateKey)
  const key = await readSecretFile(paths.tlsKey)
  const certificate = await readFile(paths.certificate, 'utf8').catch((thrown: unknown) => {
    throw new Problem('config-unreadable', { what: `reading ${paths.certificate}`, why: reasonOf(thrown) })
  })
  return {
    publicKey: parsed(paths.privateKey, () => publicKeyOf(parsePrivateKey(privateKey))),
    tls: { key, certificate },
    fingerprint: parsed(paths.certificate, () => fingerprintOf(certificate)),
  }
}

function parsed<Result>(path: string, parse: () => Result): Result {
  try {
    return parse()
  } catch (thrown) {
    throw new Problem('config-invalid', {
      what: `reading ${path}`,
      why: reasonOf(thrown),
      next: 'Put back a backup of the file: every home knows this hub by it',
      cause: thrown,
    })
  }
}
