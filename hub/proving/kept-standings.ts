import * as v from 'valibot'
import { reasonOf } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import type { Book } from './book.ts'
import { newStanding, type Standing } from './standing.ts'

/** What the checks of publications found, kept over restarts in proofs.json: what is lost is found out again. */
export interface KeptStandings {
  /** What was known of a publication when this process began; null: nothing. */
  readonly remembered: (key: string) => Standing | null
  /** Writes what is new: a verdict within a second, a proof of the same now and then. Never throws. */
  readonly save: (book: Book, when: 'seldom' | 'now') => Promise<void>
}

const TimeSchema = v.pipe(v.string(), v.isoTimestamp())
const WhySchema = v.pipe(v.string(), v.maxLength(1_000))

const VerdictSchema = v.variant('kind', [
  v.object({ kind: v.literal('proven') }),
  v.object({ kind: v.literal('silent'), why: WhySchema }),
  v.object({ kind: v.literal('failing'), link: v.picklist(['hub', 'tunnel', 'home', 'service']), why: WhySchema }),
])

const KeptSchema = v.object({
  verdict: VerdictSchema,
  since: TimeSchema,
  provenAt: v.nullable(TimeSchema),
  worked: v.boolean(),
  answeredPort: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))),
  group: v.nullable(v.string()),
})

type Kept = v.InferOutput<typeof KeptSchema>

/** How often proofs of what was proven already are written down: storage wears. */
const WRITE_EVERY_MS = 300_000
/** For how long nobody may have checked what is still called proven since before: two pauses of the usual length. */
const UNWATCHED_MS = 600_000

/** Where nothing is kept. */
export const NOTHING_KEPT: KeptStandings = { remembered: () => null, save: async () => undefined }

/** Opens the memory. A damaged or missing file is an empty one. */
export async function openKeptStandings(path: string, clock: Clock, log: Log): Promise<KeptStandings> {
  const known = new Map(Object.entries((await readJsonFile(path, v.record(v.string(), KeptSchema))) ?? {}))
  const begunAt = clock.wall().getTime()
  let written = ''
  let seen: Book | null = null
  let writtenAt = clock.now()

  return {
    remembered: (key) => {
      const kept = known.get(key)
      return kept === undefined ? null : fromKept(kept, begunAt)
    },
    save: async (book, when) => {
      if (book === seen) return
      const verdicts = verdictsOf(book)
      const isNew = verdicts !== written
      if (!isNew && when === 'seldom' && clock.now() - writtenAt < WRITE_EVERY_MS) return
      const kept = keptOf(book)
      seen = book
      written = verdicts
      writtenAt = clock.now()
      try {
        await writeFileAtomic(path, `${JSON.stringify(kept)}\n`)
      } catch (thrown) {
        log.warn({ path, why: reasonOf(thrown) }, 'what is known of published ports could not be written down')
      }
    },
  }
}

/** What must not be lost: text that changes with the verdicts, and not with each proof of the same. */
function verdictsOf(book: Book): string {
  return [...book]
    .map(([key, { standing }]) => `${key} ${standing.verdict?.kind} ${standing.since} ${standing.group?.name}`)
    .join('\n')
}

function keptOf(book: Book): Record<string, Kept> {
  return Object.fromEntries(
    [...book].flatMap(([key, { standing }]) => {
      const { verdict, since, provenAt, worked, answeredPort, group } = standing
      if (verdict === null || since === null) return []
      return [[key, { verdict, since, provenAt, worked, answeredPort, group: group?.name ?? null }] as const]
    }),
  )
}

/** @param begunAt milliseconds by the calendar. */
function fromKept(kept: Kept, begunAt: number): Standing {
  const { verdict, since, provenAt, worked, answeredPort, group } = kept
  const before = { ...newStanding({ now: 0, random: 0 }), provenAt, worked, answeredPort }
  // Nobody knows whether what was proven long ago stayed so.
  const isWatched = provenAt !== null && begunAt - Date.parse(provenAt) <= UNWATCHED_MS
  if (verdict.kind === 'proven' && !isWatched) return before
  return { ...before, verdict, since, group: group === null ? null : { name: group, at: -Infinity } }
}
