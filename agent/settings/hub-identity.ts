import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { FingerprintSchema } from '../../protocol/fingerprint.ts'
import { PublicKeySchema, type RegisterAnswer } from '../../protocol/messages.ts'
import { hashOfKey, successorsOf } from '../../protocol/succession.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import type { HubConfig } from './config.ts'
import { type KeptPlace, withPlace } from './place.ts'
import { type ToldAddresses, withToldAddresses } from './told-addresses.ts'

/** What a hub says of its identity. */
export type ToldIdentity = RegisterAnswer['identity']

/** A certificate of the hub, and the WireGuard key that comes with it. */
export type KnownHub = Pick<HubConfig, 'certificate' | 'publicKey'>

/** What this home knows of its hub's identity: what it pins, and what comes next, as the hub has signed. */
export interface HubIdentity {
  readonly present: KnownHub
  /** null: nothing was announced. */
  readonly next: KnownHub | null
}

const KnownSchema = v.object({ certificate: FingerprintSchema, publicKey: PublicKeySchema })
const KeptSchema = v.object({
  schema: v.literal(1),
  /** The hub of agent.yaml that this replaces: after another join it replaces none. */
  joined: v.string(),
  present: KnownSchema,
  next: v.nullable(KnownSchema),
})

/** Kept in the state folder: the service cannot write agent.yaml. */
export type KeptHubIdentity = Readonly<v.InferOutput<typeof KeptSchema>>

/** The hub of agent.yaml, with this home's place in it, the addresses that it told, and the key and certificate that it has now. */
export function hubInForce(
  written: HubConfig,
  place: KeptPlace | null,
  kept: KeptHubIdentity | null,
  told: ToldAddresses | null = null,
): HubConfig {
  const { addresses } = withToldAddresses(written, told)
  return { ...withPlace(written, place), addresses, ...hubIdentityOf(written, kept).present }
}

/** @param written the hub as agent.yaml has it. */
export function hubIdentityOf(written: HubConfig, kept: KeptHubIdentity | null): HubIdentity {
  const { certificate, publicKey } = written
  return kept?.joined === hubOfJoin(written) ? kept : { present: { certificate, publicKey }, next: null }
}

/** @param written the hub as agent.yaml has it. */
export function keptHubIdentity(written: HubConfig, { present, next }: HubIdentity): KeptHubIdentity {
  const known = ({ certificate, publicKey }: KnownHub): KnownHub => ({ certificate, publicKey })
  return { schema: 1, joined: hubOfJoin(written), present: known(present), next: next === null ? null : known(next) }
}

/**
 * What this home knows after a registration. Nothing counts but what signatures lead to from the pin, with the key that
 * they name; and the pin moves only when the hub has shown the certificate that it moves to.
 * @param seen the certificate that the registrar showed, which the pin leads to.
 * @param told absent: the hub has nothing newer than what this home said that it trusts.
 */
export function heardIdentity({ present, next }: HubIdentity, seen: string, told: ToldIdentity): HubIdentity {
  const reached = told === undefined ? [] : reachedFrom(present, told)
  const announced = told === undefined ? next : (reached.at(-1) ?? null)
  const taken = [present, ...reached, next].find((one) => one?.certificate === seen) ?? present
  return { present: taken, next: announced?.certificate === taken.certificate ? null : announced }
}

/** The certificate that this home would take. */
export function trusted({ present, next }: HubIdentity): string {
  return (next ?? present).certificate
}

export async function readHubIdentity(stateDir: string): Promise<KeptHubIdentity | null> {
  return await readJsonFile(identityPath(stateDir), KeptSchema)
}

/** @throws {Problem} `write-failed`. */
export async function keepHubIdentity(stateDir: string, kept: KeptHubIdentity): Promise<void> {
  await writeFileAtomic(identityPath(stateDir), `${JSON.stringify(kept)}\n`)
}

export async function forgetHubIdentity(stateDir: string): Promise<void> {
  await rm(identityPath(stateDir), { force: true })
}

/** Certificates to which signatures lead, in their order, as far as the hub told the key that comes with them. */
function reachedFrom({ certificate }: KnownHub, told: NonNullable<ToldIdentity>): readonly KnownHub[] {
  const keys = new Map(told.publicKeys.map((publicKey) => [hashOfKey(publicKey), publicKey]))
  return successorsOf(certificate, told.successions).flatMap((one) => {
    const publicKey = keys.get(one.keyHash)
    return publicKey === undefined ? [] : [{ certificate: one.certificate, publicKey }]
  })
}

function identityPath(stateDir: string): string {
  return join(stateDir, 'hub-identity.json')
}

function hubOfJoin({ publicKey, certificate }: HubConfig): string {
  return `${publicKey} ${certificate}`
}
