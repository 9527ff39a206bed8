import { randomBytes } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../system/atomic-file.ts'
import { readSecretFile } from '../system/secret-file.ts'
import { parsePrivateKey, type PrivateKey, privateKeyFrom } from '../wireguard/keys.ts'

/** The tunnel's private key, made here; it never leaves this machine. */
export function privateKeyPath(configDir: string): string {
  return join(configDir, 'private.key')
}

/** What this home authenticates with at the registrar; the hub keeps a hash of it. */
export function homeSecretPath(configDir: string): string {
  return join(configDir, 'home.secret')
}

/** `HOME.SECRET`, as the registrar wants it. @throws {Problem} `config-unreadable`, `secret-exposed`. */
export async function readBearer(configDir: string, home: string): Promise<string> {
  return `${home}.${await readSecretFile(homeSecretPath(configDir))}`
}

export interface HomeSecrets {
  readonly privateKey: PrivateKey
  readonly homeSecret: string
  /** False when an interrupted join had left them. */
  readonly fresh: boolean
}

/**
 * Makes both secrets, or takes those that an interrupted join left: with the same key and secret the hub answers a
 * repeated join the same way, although the token was used.
 */
export async function makeSecrets(configDir: string): Promise<HomeSecrets> {
  const left = await leftSecrets(configDir)
  if (left !== null) return { ...left, fresh: false }
  const privateKey = privateKeyFrom(randomBytes(32))
  const homeSecret = randomBytes(32).toString('base64url')
  await writeFileAtomic(privateKeyPath(configDir), `${privateKey}\n`)
  await writeFileAtomic(homeSecretPath(configDir), `${homeSecret}\n`)
  return { privateKey, homeSecret, fresh: true }
}

export async function removeSecrets(configDir: string): Promise<void> {
  await rm(homeSecretPath(configDir), { force: true })
  await rm(privateKeyPath(configDir), { force: true })
}

async function leftSecrets(configDir: string): Promise<Omit<HomeSecrets, 'fresh'> | null> {
  if (!(await isThere(privateKeyPath(configDir))) || !(await isThere(homeSecretPath(configDir)))) return null
  const homeSecret = await readSecretFile(homeSecretPath(configDir))
  try {
    return { privateKey: parsePrivateKey(await readSecretFile(privateKeyPath(configDir))), homeSecret }
  } catch (thrown) {
    // A file of ours that holds no key is of no use to anybody: make a new one.
    if (thrown instanceof TypeError) return null
    throw thrown
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await readFile(path)
    return true
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false
    // Whatever else is wrong with it: readSecretFile says it better.
    return true
  }
}
