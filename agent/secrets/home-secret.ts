import { createHash, randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { SecretSchema } from '../../protocol/messages.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import { readSecretFile } from '../../system/files/secret-file.ts'

/**
 * The secret by which a home authenticates at the registrar; the hub keeps a hash of it. The one from the join is in the
 * config folder, which the service may not write; one that replaced it is in the state folder, and says which it replaced:
 * after another join it replaces none.
 */
const RotatedSchema = v.object({
  schema: v.literal(1),
  /** SHA-256 of the secret from the join, 64 hex digits. */
  replaces: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  secret: SecretSchema,
})

/** The folders of a tunnel. `stateDir`: null while it joins, when no secret but the join's can be meant. */
export interface SecretFolders {
  readonly configDir: string
  readonly stateDir: string | null
}

export function homeSecretPath(configDir: string): string {
  return join(configDir, 'home.secret')
}

function rotatedPath(stateDir: string): string {
  return join(stateDir, 'secret.json')
}

export function newHomeSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** SHA-256, 64 hex digits: what the hub keeps. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** Reads the secret of this moment. @throws {Problem} `config-unreadable`, `secret-exposed`. */
export async function readHomeSecret({ configDir, stateDir }: SecretFolders): Promise<string> {
  const joined = await readSecretFile(homeSecretPath(configDir))
  const rotated = stateDir === null ? null : await readJsonFile(rotatedPath(stateDir), RotatedSchema)
  return rotated?.replaces === secretHash(joined) ? rotated.secret : joined
}

/** Makes a secret the one that counts from now on. @throws {Problem} `write-failed`, `config-unreadable`, `secret-exposed`. */
export async function keepRotatedSecret(
  { configDir, stateDir }: { readonly configDir: string; readonly stateDir: string },
  secret: string,
): Promise<void> {
  const replaces = secretHash(await readSecretFile(homeSecretPath(configDir)))
  await writeFileAtomic(rotatedPath(stateDir), `${JSON.stringify({ schema: 1, replaces, secret })}\n`)
}

export async function forgetRotatedSecret(stateDir: string): Promise<void> {
  await rm(rotatedPath(stateDir), { force: true })
}
