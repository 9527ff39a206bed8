import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { CidrSchema, Ipv4Schema } from '../../protocol/addresses.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import type { HubConfig } from './config.ts'

/** A home's place in the tunnel, and the hub's. */
export type Place = Pick<HubConfig, 'address' | 'network' | 'hubAddress'>

const KeptSchema = v.object({
  schema: v.literal(1),
  /** The join whose place this one replaces: after another join it replaces none. */
  joined: v.string(),
  address: Ipv4Schema,
  network: CidrSchema,
  hubAddress: Ipv4Schema,
})

/** The place that the hub gave this home since it joined. In the state folder: the service cannot write agent.yaml. */
export type KeptPlace = Readonly<v.InferOutput<typeof KeptSchema>>

/** The hub of agent.yaml, with the place that this home has now. */
export function withPlace(hub: HubConfig, kept: KeptPlace | null): HubConfig {
  if (kept === null || kept.joined !== placeOfJoin(hub)) return hub
  const { address, network, hubAddress } = kept
  return { ...hub, address, network, hubAddress }
}

/** @param written the hub as agent.yaml has it. */
export function keptPlace(written: HubConfig, { address, network, hubAddress }: Place): KeptPlace {
  return { schema: 1, joined: placeOfJoin(written), address, network, hubAddress }
}

export function samePlace(a: Place, b: Place): boolean {
  return a.address === b.address && a.network === b.network && a.hubAddress === b.hubAddress
}

export async function readPlace(stateDir: string): Promise<KeptPlace | null> {
  return await readJsonFile(placePath(stateDir), KeptSchema)
}

/** @throws {Problem} `write-failed`. */
export async function keepPlace(stateDir: string, kept: KeptPlace): Promise<void> {
  await writeFileAtomic(placePath(stateDir), `${JSON.stringify(kept)}\n`)
}

export async function forgetPlace(stateDir: string): Promise<void> {
  await rm(placePath(stateDir), { force: true })
}

function placePath(stateDir: string): string {
  return join(stateDir, 'place.json')
}

function placeOfJoin({ publicKey, certificate, address, network }: HubConfig): string {
  return [publicKey, certificate, address, network].join(' ')
}
