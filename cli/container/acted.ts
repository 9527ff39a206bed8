import { createHash } from 'node:crypto'
import { join } from 'node:path'
import * as v from 'valibot'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import type { Made } from './plan-start.ts'

const ActedSchema = v.object({
  schema: v.literal(1),
  token: v.nullable(v.string()),
  lan: v.array(v.string()),
})

/** What tells one token from another, and nothing else of it. White space in it says nothing (protocol/token.ts). */
export function tokenMark(token: string): string {
  return createHash('sha256').update(token.replaceAll(/\s/g, '')).digest('hex')
}

/** The options by which a start acted last; null: none did, or nobody knows. */
export async function readActed(stateDir: string): Promise<Made['acted']> {
  return await readJsonFile(join(stateDir, 'container.json'), ActedSchema)
}

/** @throws {Problem} `write-failed`. */
export async function keepActed(stateDir: string, acted: NonNullable<Made['acted']>): Promise<void> {
  await writeFileAtomic(join(stateDir, 'container.json'), `${JSON.stringify({ schema: 1, ...acted })}\n`)
}
