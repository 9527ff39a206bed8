import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { isThere } from '../../system/files/is-there.ts'
import { readSecretFile } from '../../system/files/secret-file.ts'
import type { RouterConfig } from '../settings/config.ts'

export type OpenwrtConfig = Extract<RouterConfig, { kind: 'openwrt' }>

/** A key that a router was given, or may have been given by a join that was killed. */
export interface InstalledKey {
  /** The line of authorized_keys. */
  readonly line: string
  /** The router; null: the one in agent.yaml. */
  readonly router: OpenwrtConfig | null
}

/** The keys that homeward gave to routers: leaving removes them there. The owner's own key is not among them. */
function installedKeysPath(configDir: string): string {
  return join(configDir, 'router.key.pub')
}

/** Reads the keys, the newest last. What is damaged in a line is passed over: the key in it still counts. */
export async function installedKeys(configDir: string): Promise<readonly InstalledKey[]> {
  const path = installedKeysPath(configDir)
  if (!(await isThere(path))) return []
  return (await readSecretFile(path))
    .split('\n')
    .map((text) => {
      const [line = '', router = ''] = text.split('\t')
      return { line: line.trim(), router: routerIn(router) }
    })
    .filter(({ line }) => line !== '')
}

/** Writes the keys; no file is left where there are none. @throws {Problem} `write-failed`. */
export async function writeInstalledKeys(configDir: string, keys: readonly InstalledKey[]): Promise<void> {
  const path = installedKeysPath(configDir)
  if (keys.length === 0) return rm(path, { force: true })
  const lines = keys.map(({ line, router }) => (router === null ? line : `${line}\t${JSON.stringify(router)}`))
  await writeFileAtomic(path, `${lines.join('\n')}\n`)
}

/** Reads a router, which only we write. */
function routerIn(text: string): OpenwrtConfig | null {
  try {
    const { kind, host, port, user, hostKey } = JSON.parse(text) as OpenwrtConfig
    const isWhole = [host, user, hostKey.type, hostKey.sha256].every((word) => typeof word === 'string')
    return kind === 'openwrt' && isWhole && Number.isInteger(port) ? { kind, host, port, user, hostKey } : null
  } catch {
    return null
  }
}
