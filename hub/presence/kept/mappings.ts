import * as v from 'valibot'
import { reasonOf } from '../../../problems/problem.ts'
import { writeFileAtomic } from '../../../system/files/atomic-file.ts'
import { readJsonFile } from '../../../system/files/json-file.ts'
import type { Clock } from '../../../system/time/clock.ts'
import type { Log } from '../../../system/process/log.ts'
import { type Endpoint, formatEndpoint, parseEndpoint } from '../../../wireguard/spec.ts'

/** The mappings that carriers gave each home's tunnel, as the hub saw them; kept over restarts. */
export interface Mappings {
  /** null: never seen. */
  readonly of: (home: string) => MappingHistory | null
  /** Takes the mapping seen now; returns the change when it is another mapping than before. O(1). */
  readonly note: (home: string, seen: Endpoint, heardSeconds: number | null) => MappingChange | null
  /** Forgets all homes but these. */
  readonly keep: (homes: readonly string[]) => void
  /** Writes what is new, rarely. Never throws. */
  readonly save: (when?: 'seldom' | 'now') => Promise<void>
}

const TimeSchema = v.pipe(v.string(), v.isoTimestamp())
const EndpointText = v.pipe(
  v.string(),
  v.check((text) => parseEndpoint(text) !== null, 'expected ADDRESS:PORT'),
)

const ChangeSchema = v.object({
  at: TimeSchema,
  from: EndpointText,
  to: EndpointText,
  /** How `from` ended: forgotten by the NAT, since the home was silent before; else by another address or port. */
  ended: v.picklist(['port', 'address', 'silence']),
})

const HistorySchema = v.object({
  endpoint: EndpointText,
  since: TimeSchema,
  /** Number of changes ever. */
  changes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** The last fifty changes, oldest first. */
  recent: v.pipe(
    v.array(ChangeSchema),
    v.transform((all) => all.slice(-RECENT)),
  ),
})

type MappingChange = Readonly<v.InferOutput<typeof ChangeSchema>>
export type MappingHistory = Readonly<Omit<v.InferOutput<typeof HistorySchema>, 'recent'>> & {
  readonly recent: readonly MappingChange[]
}

const RECENT = 50

/** After what silence the home is the reason: NATs keep a UDP flow for longer than a heartbeat or keepalive needs. */
const SILENCE_MS = 60_000

/** How often to write: storage wears, and a crash loses no more than this. */
const WRITE_EVERY_MS = 300_000

/** Opens the memory. A damaged or missing file is an empty one. */
export async function openMappings(path: string, clock: Clock, log: Log): Promise<Mappings> {
  const known = new Map<string, MappingHistory>(
    Object.entries((await readJsonFile(path, v.record(v.string(), HistorySchema))) ?? {}),
  )
  /** When each home was last heard, monotonic milliseconds. */
  const heard = new Map<string, number>()
  let isNew = false
  let writtenAt = clock.now()

  return {
    of: (home) => known.get(home) ?? null,

    note: (home, seen, heardSeconds) => {
      const heardAt = heardSeconds === null ? null : clock.now() - heardSeconds * 1_000
      const heardBefore = heard.get(home)
      if (heardAt !== null) heard.set(home, heardAt)
      const [before, endpoint] = [known.get(home), formatEndpoint(seen)]
      if (before?.endpoint === endpoint) return null
      isNew = true
      const at = clock.wall().toISOString()
      if (before === undefined) {
        known.set(home, { endpoint, since: at, changes: 0, recent: [] })
        return null
      }
      const silentMs = heardAt === null || heardBefore === undefined ? 0 : heardAt - heardBefore
      const sameAddress = parseEndpoint(before.endpoint)?.address === seen.address
      const ended = silentMs > SILENCE_MS ? 'silence' : sameAddress ? 'port' : 'address'
      const change: MappingChange = { at, from: before.endpoint, to: endpoint, ended }
      const recent = [...before.recent, change].slice(-RECENT)
      known.set(home, { endpoint, since: at, changes: before.changes + 1, recent })
      return change
    },

    keep: (homes) => {
      const kept = new Set(homes)
      for (const home of known.keys()) if (!kept.has(home)) isNew = known.delete(home) || isNew
      for (const home of heard.keys()) if (!kept.has(home)) heard.delete(home)
    },

    save: async (when = 'seldom') => {
      if (!isNew || (when === 'seldom' && clock.now() - writtenAt < WRITE_EVERY_MS)) return
      isNew = false
      writtenAt = clock.now()
      try {
        await writeFileAtomic(path, `${JSON.stringify(Object.fromEntries(known))}\n`)
      } catch (thrown) {
        log.warn({ path, why: reasonOf(thrown) }, 'the history of mappings could not be written down')
      }
    },
  }
}
