import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { DrillWaySchema, LONGEST_DRILL_SECONDS } from '../../protocol/drill.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'

/** A way under way, on disk while it lasts: an agent that is killed in the middle of it finds it again. */
const LeftSchema = v.object({
  way: DrillWaySchema,
  /** When what was broken ends, ISO 8601. */
  until: v.string(),
})
type LeftDrill = v.InferOutput<typeof LeftSchema>

/** Never throws: a drill that is not written down ends as well. */
export async function rememberDrill(stateDir: string, way: LeftDrill['way'], until: Date): Promise<void> {
  const text = `${JSON.stringify({ way, until: until.toISOString() } satisfies LeftDrill)}\n`
  await writeFileAtomic(leftDrillPath(stateDir), text).catch(() => undefined)
}

/** Never throws. */
export async function forgetDrill(stateDir: string): Promise<void> {
  await rm(leftDrillPath(stateDir), { force: true }).catch(() => undefined)
}

/** The way that an agent before this one did not end, and in how many milliseconds it ends by itself; null: none. */
export async function leftDrill(
  stateDir: string,
  now: Date,
): Promise<{ readonly way: LeftDrill['way']; readonly endsInMs: number } | null> {
  const left = await readJsonFile(leftDrillPath(stateDir), LeftSchema).catch(() => null)
  if (left === null) return null
  const ms = Date.parse(left.until) - now.getTime()
  // A clock that was set meanwhile must not make it last.
  return { way: left.way, endsInMs: Math.min(LONGEST_DRILL_SECONDS * 1_000, Math.max(0, Number.isNaN(ms) ? 0 : ms)) }
}

function leftDrillPath(stateDir: string): string {
  return join(stateDir, 'drill.json')
}
