import { createPrivateKey } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readSecretFile } from '../../system/files/secret-file.ts'
import { parsePrivateKey } from '../../wireguard/keys.ts'
import { fingerprintOf } from './certificate.ts'
import type { HubPaths } from './paths.ts'

/** One of the files that hold an identity. */
export interface IdentityFile {
  readonly path: string
  /** In the state folder: what the running hub kept when the file was damaged (hub/own-files/key-file.ts). */
  readonly copy: string
  readonly isSecret: boolean
  /** Whether the text can be what the file should hold. */
  readonly isFormed: (text: string) => boolean
}

/** The files of one identity. The keys are 0600. */
export interface IdentityFiles {
  readonly privateKey: IdentityFile
  readonly tlsKey: IdentityFile
  readonly certificate: IdentityFile
}

/**
 * The files of an identity: the first one's lie in the settings folder, each later one's in the state folder, named after
 * the certificate. The service may not write its settings, and the change may take place while nobody is at the keyboard.
 * @param certificate SHA-256; null: the first one.
 */
export function identityFiles(paths: HubPaths, certificate: string | null = null): IdentityFiles {
  const { copies } = paths
  const [hubKey, tlsKey, tlsCertificate] =
    certificate === null
      ? [
          { path: paths.privateKey, copy: copies.privateKey },
          { path: paths.tlsKey, copy: copies.tlsKey },
          { path: paths.certificate, copy: copies.certificate },
        ]
      : [
          laterFile(paths, `hub.${certificate}.key`),
          laterFile(paths, `tls.${certificate}.key`),
          laterFile(paths, `tls.${certificate}.crt`),
        ]
  return {
    privateKey: { ...hubKey, isSecret: true, isFormed: (text) => succeeds(() => parsePrivateKey(text)) },
    tlsKey: { ...tlsKey, isSecret: true, isFormed: (text) => succeeds(() => createPrivateKey(text)) },
    certificate: { ...tlsCertificate, isSecret: false, isFormed: (text) => succeeds(() => fingerprintOf(text)) },
  }
}

function laterFile({ stateDir }: HubPaths, name: string): Pick<IdentityFile, 'path' | 'copy'> {
  return { path: join(stateDir, name), copy: join(stateDir, `${name}.copy`) }
}

const LATER_FILE = /^(?:hub|tls)\.([0-9a-f]{64})\.(?:key|crt)(?:\.copy)?$/

/** @throws {Problem} `write-failed`. */
export async function writeIdentityFiles(
  paths: HubPaths,
  certificate: string,
  content: { readonly [File in keyof IdentityFiles]: string },
): Promise<void> {
  const files = identityFiles(paths, certificate)
  await writeFileAtomic(files.privateKey.path, content.privateKey)
  await writeFileAtomic(files.tlsKey.path, content.tlsKey)
  await writeFileAtomic(files.certificate.path, content.certificate)
}

/** Removes the keys of all identities but these: of earlier ones, and of one that was cut off before it was announced. */
export async function removeOtherIdentities(paths: HubPaths, kept: readonly (string | undefined)[]): Promise<void> {
  const names = await readdir(paths.stateDir).catch(() => [])
  for (const name of names) {
    const [, certificate] = LATER_FILE.exec(name) ?? []
    if (certificate === undefined || kept.includes(certificate)) continue
    await rm(join(paths.stateDir, name), { force: true }).catch(() => undefined)
  }
}

/** @throws {Problem} `config-unreadable`, `secret-exposed`, `config-invalid`. */
export async function readFormed({ isSecret, isFormed }: IdentityFile, path: string): Promise<string> {
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
