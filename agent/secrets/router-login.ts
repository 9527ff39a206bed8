import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Login, RouterAccess } from '../../adapters/openwrt/ssh/ssh.ts'
import { Problem } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { isThere } from '../../system/files/is-there.ts'
import { readSecretFile } from '../../system/files/secret-file.ts'
import type { RouterConfig } from '../settings/config.ts'

/** The owner's credentials for a router: a file that nobody else may read. */
export interface Credentials {
  readonly kind: 'password' | 'key'
  readonly file: string
}

export type OpenwrtConfig = Extract<RouterConfig, { kind: 'openwrt' }>

/** The key by which the agent logs in to an OpenWrt router, in OpenSSH's format. */
export function routerKeyPath(configDir: string): string {
  return join(configDir, 'router.key')
}

/** The public line of a key that homeward gave to the router: leaving removes it there. The owner's own has none. */
function installedKeyPath(configDir: string): string {
  return join(configDir, 'router.key.pub')
}

/** @throws {Problem} `secret-exposed`, `config-unreadable`, `wrong-usage` for an empty password. */
async function readLogin({ kind, file }: Credentials): Promise<Login> {
  const text = await readSecretFile(file)
  if (kind === 'key') return { kind, key: `${text}\n` }
  if (text !== '') return { kind, password: text }
  throw new Problem('wrong-usage', {
    what: `reading ${file}`,
    why: 'it is empty: a router that lets everybody in is no place for a tunnel',
    next: 'Give the router a password first (passwd on the router), and put it into the file',
  })
}

/** The access to the router by credentials. */
export function accessBy({ host, port, user, hostKey }: OpenwrtConfig, credentials: () => Credentials): RouterAccess {
  return { host, port, user, hostKey, login: () => readLogin(credentials()) }
}

/**
 * Keeps the credentials that the agent logs in with from now on: the owner's key, or one that is made here and given to
 * the router with the owner's password, which is not kept.
 * @returns the credentials to use from now on.
 * @throws {Problem} `router-login-refused` when the router takes no key, `write-failed`, or what the connection to it
 *   throws.
 */
export async function keepLogin(
  configDir: string,
  router: OpenwrtConfig,
  given: Credentials,
  signal: AbortSignal,
): Promise<Credentials> {
  const kept: Credentials = { kind: 'key', file: routerKeyPath(configDir) }
  if (given.kind === 'key') {
    await writeFileAtomic(kept.file, `${await readSecretFile(given.file)}\n`)
    return kept
  }
  const { giveKey } = await import('../../adapters/openwrt/change/authorized-key.ts')
  await giveKey(
    accessBy(router, () => given),
    signal,
    async (pair) => {
      // Kept before the router has it: an interrupted run can then remove the key there again.
      await writeFileAtomic(installedKeyPath(configDir), `${pair.public}\n`)
      await writeFileAtomic(kept.file, pair.private)
    },
  )
  return kept
}

/** Removes the key that homeward put on the router, as the last use of that login; does nothing where there is none. */
export async function takeLoginBack(configDir: string, router: RouterConfig, signal: AbortSignal): Promise<void> {
  if (router.kind !== 'openwrt' || !(await isThere(installedKeyPath(configDir)))) return
  const { removeKey } = await import('../../adapters/openwrt/change/authorized-key.ts')
  const line = await readSecretFile(installedKeyPath(configDir))
  await removeKey(
    accessBy(router, () => ({ kind: 'key', file: routerKeyPath(configDir) })),
    line,
    signal,
  )
}

export async function removeRouterLogin(configDir: string): Promise<void> {
  await rm(routerKeyPath(configDir), { force: true })
  await rm(installedKeyPath(configDir), { force: true })
}
