import { createPrivateKey } from 'node:crypto'
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
  /** Files that are damaged, and were read from their copies. Default: none. */
  readonly fromCopies?: readonly string[]
}

/** One of the files that hold them. */
export interface IdentityFile {
  readonly path: string
  /** In the state folder: what the running hub kept when the file was damaged (hub/own-files/key-file.ts). */
  readonly copy: string
  readonly isSecret: boolean
  /** Whether the text can be what the file should hold. */
  readonly isFormed: (text: string) => boolean
}

export interface IdentityFiles {
  readonly privateKey: IdentityFile
  readonly tlsKey: IdentityFile
  readonly certificate: IdentityFile
}

export function identityFiles({ privateKey, tlsKey, certificate, copies }: HubPaths): IdentityFiles {
  return {
    privateKey: {
      path: privateKey,
      copy: copies.privateKey,
      isSecret: true,
      isFormed: (text) => succeeds(() => parsePrivateKey(text)),
    },
    tlsKey: {
      path: tlsKey,
      copy: copies.tlsKey,
      isSecret: true,
      isFormed: (text) => succeeds(() => createPrivateKey(text)),
    },
    certificate: {
      path: certificate,
      copy: copies.certificate,
      isSecret: false,
      isFormed: (text) => succeeds(() => fingerprintOf(text)),
    },
  }
}

/**
 * A file that is damaged is read from its copy, where there is one. One that others may read is refused all the same.
 * @throws {Problem} `config-unreadable`, `secret-exposed`, `config-invalid`.
 */
export async function readIdentity(paths: HubPaths): Promise<Identity> {
  const files = identityFiles(paths)
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

export function isReadFromCopy({ fromCopies = [] }: Identity, { path }: IdentityFile): boolean {
  return fromCopies.includes(path)
}

async function readFormed({ isSecret, isFormed }: IdentityFile, path: string): Promise<string> {
  const text = isSecret ? await readSecretFile(path) : await readPlain(path)
  if (isFormed(text)) return text
  throw new Problem('config-invalid', {
    what: `reading ${path}`,
    // What it holds instead is not repeated: it may be most of a key.
    why: text.trim() === '' ? 'it is empty' : 'it does not hold what it should: it was damaged, or is another file',
    next: 'Put back a backup of the file: every home knows this hub by it',
  })
}

async function readPlain(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    throw new Problem('config-unreadable', { what: `reading ${path}`, why: reasonOf(thrown) })
  }
}

function succeeds(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch {
    return false
  }
}
