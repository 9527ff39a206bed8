import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Login, RouterAccess } from '../../adapters/openwrt/ssh/ssh.ts'
import { Problem } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readSecretFile } from '../../system/files/secret-file.ts'
import type { RouterConfig } from '../settings/config.ts'
import { type InstalledKey, installedKeys, type OpenwrtConfig, writeInstalledKeys } from './installed-keys.ts'

/** The owner's credentials for a router: a file that nobody else may read. */
export interface Credentials {
  readonly kind: 'password' | 'key'
  readonly file: string
}

/** The key by which the agent logs in to an OpenWrt router, in OpenSSH's format. */
export function routerKeyPath(configDir: string): string {
  return join(configDir, 'router.key')
}

/** Says that leaving has undone the router but for the key, by which the login ends. Worth nothing after another join. */
export function undoneRouterPath(configDir: string): string {
  return join(configDir, 'router.undone')
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
  const { giveKey, removeKey } = await import('../../adapters/openwrt/change/authorized-key.ts')
  const before = await installedKeys(configDir)
  const used = await giveKey(
    accessBy(router, () => given),
    await leftPair(configDir, before),
    signal,
    async (pair) => {
      // Kept before the router has it: an interrupted run can then remove the key there again.
      const others = (await installedKeys(configDir)).filter(({ line }) => line !== pair.public)
      await writeInstalledKeys(configDir, [...others, { line: pair.public, router }])
      await writeFileAtomic(kept.file, pair.private)
    },
  )
  // Keys of attempts before this one. One that cannot be removed now is removed by leaving.
  for (const old of before.filter((one) => one.line !== used.public && isAt(one, router)))
    await removeKey(
      accessBy(router, () => kept),
      old.line,
      signal,
    )
      .then(() => forgetInstalled(configDir, old))
      .catch(() => undefined)
  return kept
}

/** The key that an interrupted join made and may have given: it is used again, so that no line of it stays behind. */
async function leftPair(configDir: string, installed: readonly InstalledKey[]) {
  const { KEY_COMMENT, pairOf } = await import('../../adapters/openwrt/ssh/key-pair.ts')
  const text = await readFile(routerKeyPath(configDir), 'utf8').catch(() => null)
  const pair = text === null ? null : await pairOf(text, KEY_COMMENT)
  return pair !== null && installed.some(({ line }) => line === pair.public) ? pair : null
}

function isAt({ router: at }: InstalledKey, { host, port }: OpenwrtConfig): boolean {
  return at === null || (at.host === host && at.port === port)
}

async function forgetInstalled(configDir: string, { line }: InstalledKey): Promise<void> {
  await writeInstalledKeys(
    configDir,
    (await installedKeys(configDir)).filter((one) => one.line !== line),
  )
}

/**
 * Finds the router to which a join that was interrupted gave its key, before agent.yaml named it.
 * @returns null where there is none, or none of OpenWrt's kind.
 */
export async function routerOfLogin(configDir: string): Promise<RouterConfig | null> {
  const left = await leftPair(configDir, await installedKeys(configDir))
  return left === null ? null : ((await installedKeys(configDir)).at(-1)?.router ?? null)
}

/** Removes the keys that homeward gave to the router, as the last use of that login; does nothing where there are none. */
export async function takeLoginBack(configDir: string, router: RouterConfig, signal: AbortSignal): Promise<void> {
  if (router.kind !== 'openwrt') return
  const installed = await installedKeys(configDir)
  const own = (await leftPair(configDir, installed))?.public
  const { removeKey } = await import('../../adapters/openwrt/change/authorized-key.ts')
  // The one that lets us in goes last.
  for (const key of installed.toSorted((one, other) => Number(one.line === own) - Number(other.line === own))) {
    const isHere = isAt(key, router)
    const access = accessBy(isHere ? router : (key.router ?? router), () => ({
      kind: 'key',
      file: routerKeyPath(configDir),
    }))
    // Another router, of a join that was interrupted, may be gone since.
    await removeKey(access, key.line, signal).catch((thrown: unknown) => {
      if (isHere) throw thrown
    })
    await forgetInstalled(configDir, key)
  }
}

export async function removeRouterLogin(configDir: string): Promise<void> {
  await rm(routerKeyPath(configDir), { force: true })
  await writeInstalledKeys(configDir, [])
}
