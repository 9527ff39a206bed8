import { readdir, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { PublicKeySchema } from '../../protocol/messages.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { AgentConfig } from '../settings/config.ts'
import { privateKeyPath } from './secrets.ts'

const RotatedSchema = v.object({
  schema: v.literal(1),
  /** The key in agent.yaml that this one replaces: after another join it replaces none. */
  joined: PublicKeySchema,
  /** The key that the tunnel has instead. */
  publicKey: PublicKeySchema,
  /** The holder of the private half: the agent, in a file of its own beside this one; or the router, which made it. */
  madeBy: v.optional(v.picklist(['agent', 'router']), 'agent'),
})

/**
 * The key that replaced the one from the join. It is in the state folder, since the service cannot write its settings.
 * Only key.json says which key counts: a private half that key.json does not name is left of an interrupted rotation,
 * and worthless.
 */
export type RotatedKey = Readonly<v.InferOutput<typeof RotatedSchema>>

/** A configuration with the key that the tunnel has now. */
export function withKey<Config extends Pick<AgentConfig, 'publicKey'>>(
  config: Config,
  rotated: RotatedKey | null,
): Config {
  return rotated?.joined === config.publicKey ? { ...config, publicKey: rotated.publicKey } : config
}

/** Reads the rotated key; null when there is no whole one: then the join's key counts, and the hub takes it back. */
export async function readRotatedKey(stateDir: string): Promise<RotatedKey | null> {
  const rotated = await readJsonFile(keyFile(stateDir), RotatedSchema)
  if (rotated === null) return null
  const isWhole = rotated.madeBy === 'router' || existsSync(rotatedKeyPath(stateDir, rotated.publicKey))
  return isWhole ? rotated : null
}

/** Makes a rotated key the one that counts. @throws {Problem} `write-failed`. */
export async function keepRotatedKey(stateDir: string, rotated: RotatedKey): Promise<void> {
  await writeFileAtomic(keyFile(stateDir), `${JSON.stringify(rotated)}\n`)
}

/** The file of a key's private half: of a rotated key, or of the one from the join. */
export function privateKeyFileOf(configDir: string, stateDir: string, publicKey: PublicKey): string {
  const rotated = rotatedKeyPath(stateDir, publicKey)
  return existsSync(rotated) ? rotated : privateKeyPath(configDir)
}

/** The file is named after the public half, so that two can lie side by side. */
export function rotatedKeyPath(stateDir: string, publicKey: PublicKey): string {
  return join(stateDir, `private.${Buffer.from(publicKey, 'base64').toString('hex')}.key`)
}

/** Removes the private halves of all keys but this one. A file that cannot be removed now is removed the next time. */
export async function removeOtherKeys(stateDir: string, kept: RotatedKey | null): Promise<void> {
  for (const path of await otherKeys(stateDir, kept)) await rm(path, { force: true }).catch(() => undefined)
}

/** Whether private halves of other keys are left: a rotation was interrupted. */
export async function hasOtherKeys(stateDir: string, kept: RotatedKey | null): Promise<boolean> {
  return (await otherKeys(stateDir, kept)).length > 0
}

/** Removes every rotated key of this home, for a join and for leave. */
export async function forgetRotatedKeys(stateDir: string): Promise<void> {
  await rm(keyFile(stateDir), { force: true })
  await removeOtherKeys(stateDir, null)
}

async function otherKeys(stateDir: string, kept: RotatedKey | null): Promise<readonly string[]> {
  const keptPath = kept === null ? null : rotatedKeyPath(stateDir, kept.publicKey)
  const names = await readdir(stateDir).catch(() => [])
  const keys = names.filter((name) => /^private\.[0-9a-f]{64}\.key$/.test(name))
  return keys.map((name) => join(stateDir, name)).filter((path) => path !== keptPath)
}

function keyFile(stateDir: string): string {
  return join(stateDir, 'key.json')
}
