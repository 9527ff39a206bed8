import { join } from 'node:path'
import * as v from 'valibot'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import type { Log } from '../../system/process/log.ts'

const WentBackSchema = v.object({
  schema: v.literal(1),
  /** The version that was tried. */
  version: v.pipe(v.string(), v.maxLength(100)),
  at: v.pipe(v.string(), v.isoTimestamp()),
  why: v.pipe(v.string(), v.maxLength(1_000)),
})

/** The last upgrade, where the version before came back. Whatever upgrades next with success removes the file. */
export type WentBack = Readonly<v.InferOutput<typeof WentBackSchema>>

/** What a status tells of it, to root alone, who may read it; nothing: the last upgrade, if any, went well. */
export interface Upgraded {
  readonly wentBack?: WentBack
}

export async function upgradedIn(stateDir: string): Promise<Upgraded> {
  const wentBack = await readWentBack(stateDir)
  return wentBack === null ? {} : { wentBack }
}

/** null: the last upgrade, if any, went well. */
export async function readWentBack(stateDir: string): Promise<WentBack | null> {
  return await readJsonFile(wentBackPath(stateDir), WentBackSchema)
}

/** @throws {Problem} `write-failed`. */
export async function keepWentBack(stateDir: string, wentBack: Omit<WentBack, 'schema'>): Promise<void> {
  await writeFileAtomic(wentBackPath(stateDir), `${JSON.stringify({ schema: 1, ...wentBack })}\n`)
}

/** Says it in the log of a daemon that begins, where `journalctl -p warning` shows it. @param here the version that runs. */
export async function logWentBack(log: Log, stateDir: string, here: string): Promise<void> {
  const wentBack = await readWentBack(stateDir)
  if (wentBack !== null) log.warn(`${wentBackText(wentBack, here)}.`)
}

/** One sentence for people, without its full stop. @param here the version that runs. */
export function wentBackText({ version, at, why }: WentBack, here: string): string {
  return `homeward ${version} was tried at ${at} and did not stay: ${why}. ${here} goes on as before`
}

function wentBackPath(stateDir: string): string {
  return join(stateDir, 'went-back.json')
}
