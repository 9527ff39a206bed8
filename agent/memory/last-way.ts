import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'

const LastWaySchema = v.object({
  schema: v.literal(1),
  /** The hub's WireGuard key: another hub is reached in other ways. */
  hub: v.string(),
  /** The fallback that worked: another endpoint of the hub, or the TLS transport. */
  on: v.picklist(['endpoint', 'transport']),
  /** null: the TLS transport, whose endpoint is another one each time. */
  endpoint: v.nullable(v.object({ address: v.string(), port: v.number() })),
  /** The cause that made the fallback necessary, of those in `agent/core/evidence/cause.ts`. */
  cause: v.picklist(['port-blocked', 'udp-blocked', 'session-lost']),
})

/**
 * The fallback by which the tunnel last worked, so that a join's agent, or the next one, begins with it and does not
 * fall dark first. There is none while the tunnel uses the endpoint that it prefers.
 */
export type LastWay = Readonly<v.InferOutput<typeof LastWaySchema>>

/** null when there is none for this hub, or none that can be read. */
export async function readLastWay(stateDir: string, hub: string): Promise<LastWay | null> {
  const found = await readJsonFile(lastWayPath(stateDir), LastWaySchema)
  return found?.hub === hub ? found : null
}

/** Remembers a way; null forgets. @throws {Problem} `write-failed`. */
export async function keepLastWay(stateDir: string, way: Omit<LastWay, 'schema'> | null): Promise<void> {
  if (way === null) await rm(lastWayPath(stateDir), { force: true })
  else await writeFileAtomic(lastWayPath(stateDir), `${JSON.stringify({ schema: 1, ...way })}\n`)
}

export function lastWayPath(stateDir: string): string {
  return join(stateDir, 'last-way.json')
}
