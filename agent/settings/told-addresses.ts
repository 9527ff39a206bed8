import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { HostSchema } from '../../protocol/addresses.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import type { HubConfig } from './config.ts'

/** How many addresses of a hub are tried at most, as in agent.yaml. */
const MOST = 8

const KeptSchema = v.object({
  schema: v.literal(1),
  /** The hub of agent.yaml whose addresses these are: after another join they are nobody's. */
  joined: v.string(),
  addresses: v.pipe(v.array(HostSchema), v.maxLength(MOST)),
})

/** Where the hub said that it is reached, or will be. In the state folder: the service cannot write agent.yaml. */
export type ToldAddresses = Readonly<v.InferOutput<typeof KeptSchema>>

/** The hub of agent.yaml, with the addresses that it told since behind those that the owner wrote. */
export function withToldAddresses(hub: HubConfig, told: ToldAddresses | null): HubConfig {
  if (told === null || told.joined !== hubOfJoin(hub)) return hub
  return { ...hub, addresses: [...new Set([...hub.addresses, ...told.addresses])].slice(0, MOST) }
}

/** @param written the hub as agent.yaml has it. */
export function toldAddresses(written: HubConfig, addresses: readonly string[]): ToldAddresses {
  return { schema: 1, joined: hubOfJoin(written), addresses: addresses.slice(0, MOST) }
}

export async function readToldAddresses(stateDir: string): Promise<ToldAddresses | null> {
  return await readJsonFile(toldPath(stateDir), KeptSchema)
}

/** @throws {Problem} `write-failed`. */
export async function keepToldAddresses(stateDir: string, told: ToldAddresses): Promise<void> {
  await writeFileAtomic(toldPath(stateDir), `${JSON.stringify(told)}\n`)
}

export async function forgetToldAddresses(stateDir: string): Promise<void> {
  await rm(toldPath(stateDir), { force: true })
}

function toldPath(stateDir: string): string {
  return join(stateDir, 'hub-told.json')
}

function hubOfJoin({ publicKey, certificate }: HubConfig): string {
  return `${publicKey} ${certificate}`
}
