import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { CidrSchema } from '../../protocol/addresses.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'

/** The LAN that was followed last, for `auto`: a machine that is just starting may be in no network yet. */
const FollowedSchema = v.object({ prefixes: v.array(CidrSchema) })

/** @returns none when nothing was followed yet. */
export async function readFollowedLan(stateDir: string): Promise<readonly string[]> {
  return (await readJsonFile(followedPath(stateDir), FollowedSchema))?.prefixes ?? []
}

/** @throws {Problem} `write-failed`. */
export async function keepFollowedLan(stateDir: string, prefixes: readonly string[]): Promise<void> {
  await writeFileAtomic(followedPath(stateDir), `${JSON.stringify({ prefixes })}\n`)
}

export async function forgetFollowedLan(stateDir: string): Promise<void> {
  await rm(followedPath(stateDir), { force: true })
}

/** A configuration with the LAN that is followed, where agent.yaml says `auto`. */
export function withFollowedLan<
  Config extends { readonly lan: { readonly auto?: true | undefined; prefixes: string[] } },
>(config: Config, followed: readonly string[]): Config {
  return config.lan.auto === true ? { ...config, lan: { ...config.lan, prefixes: [...followed] } } : config
}

function followedPath(stateDir: string): string {
  return join(stateDir, 'lan.json')
}
