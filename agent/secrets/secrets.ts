import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type EchoKey, echoKey } from '../../protocol/datagrams/echo.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { isThere } from '../../system/files/is-there.ts'
import { readSecretFile } from '../../system/files/secret-file.ts'
import { homeSecretPath, newHomeSecret, readHomeSecret, type SecretFolders, secretHash } from './home-secret.ts'
import type { KeyMaker } from './key-maker.ts'
import { removeRouterLogin } from './router-login.ts'
import { removeRouterPassword } from './router-password.ts'
import { parsePrivateKey, type PrivateKey, privateKeyFrom } from '../../wireguard/keys.ts'

/** The tunnel's private key, made here; it never leaves this machine. None exists where a router makes it. */
export function privateKeyPath(configDir: string): string {
  return join(configDir, 'private.key')
}

/** The bearer `HOME.SECRET`, as the registrar wants it. @throws {Problem} `config-unreadable`, `secret-exposed`. */
export async function readBearer(folders: SecretFolders, home: string): Promise<string> {
  return `${home}.${await readHomeSecret(folders)}`
}

/** The key that proves this home's echoes. @throws {Problem} `config-unreadable`, `secret-exposed`. */
export async function readEchoKey(folders: SecretFolders): Promise<EchoKey> {
  return echoKey(secretHash(await readHomeSecret(folders)))
}

export interface HomeSecrets {
  /** Where a router makes the key, a key that nobody keeps: the hub is asked with it until there is the router's. */
  readonly privateKey: PrivateKey
  readonly homeSecret: string
  /** False when an interrupted join had left the secrets. */
  readonly fresh: boolean
}

/**
 * The secrets to join with: those that an interrupted join has left, else new ones. With the same secret the hub
 * answers a repeated join the same way, although the token was used. Writes nothing.
 * @throws {Problem} `secret-exposed`, `config-unreadable`.
 */
export async function draftSecrets(configDir: string, keyMaker: KeyMaker = 'agent'): Promise<HomeSecrets> {
  const left = keyMaker === 'agent' ? await leftSecrets(configDir) : await leftHomeSecret(configDir)
  return left ?? newSecrets()
}

export function newSecrets(): HomeSecrets {
  return {
    privateKey: privateKeyFrom(randomBytes(32)),
    homeSecret: newHomeSecret(),
    fresh: true,
  }
}

/** Writes the secrets, so that a join interrupted from here on can be run again. @throws {Problem} `write-failed`. */
export async function keepSecrets(
  configDir: string,
  { privateKey, homeSecret }: HomeSecrets,
  keyMaker: KeyMaker = 'agent',
): Promise<void> {
  if (keyMaker === 'agent') await writeFileAtomic(privateKeyPath(configDir), `${privateKey}\n`)
  else await rm(privateKeyPath(configDir), { force: true })
  await writeFileAtomic(homeSecretPath(configDir), `${homeSecret}\n`)
}

export async function removeSecrets(configDir: string): Promise<void> {
  await rm(homeSecretPath(configDir), { force: true })
  await rm(privateKeyPath(configDir), { force: true })
  await removeRouterAccess(configDir)
}

/** Removes what lets this machine in at the router. */
export async function removeRouterAccess(configDir: string): Promise<void> {
  await removeRouterPassword(configDir)
  await removeRouterLogin(configDir)
}

async function leftHomeSecret(configDir: string): Promise<HomeSecrets | null> {
  if (!(await isThere(homeSecretPath(configDir)))) return null
  return { ...newSecrets(), homeSecret: await readSecretFile(homeSecretPath(configDir)), fresh: false }
}

async function leftSecrets(configDir: string): Promise<HomeSecrets | null> {
  if (!(await isThere(privateKeyPath(configDir))) || !(await isThere(homeSecretPath(configDir)))) return null
  const homeSecret = await readSecretFile(homeSecretPath(configDir))
  try {
    const privateKey = parsePrivateKey(await readSecretFile(privateKeyPath(configDir)))
    return { privateKey, homeSecret, fresh: false }
  } catch (thrown) {
    // A file of ours that holds no key is of no use to anybody: make a new one.
    if (thrown instanceof TypeError) return null
    throw thrown
  }
}
