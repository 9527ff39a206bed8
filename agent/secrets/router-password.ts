import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readSecretFile } from '../../system/files/secret-file.ts'

/** The password by which the agent logs in to the router, where the tunnel ends on one. */
export function routerPasswordPath(configDir: string): string {
  return join(configDir, 'router.password')
}

/** Copies the owner's password file. @throws {Problem} `config-unreadable`, `secret-exposed`, `write-failed`. */
export async function keepRouterPassword(configDir: string, from: string): Promise<void> {
  await writeFileAtomic(routerPasswordPath(configDir), `${await readSecretFile(from)}\n`)
}

export async function removeRouterPassword(configDir: string): Promise<void> {
  await rm(routerPasswordPath(configDir), { force: true })
}
