import type { Group } from './source-groups.ts'

/** Sources whose connections end without a question: they get fewer places for a while. */
export interface Unfinished {
  /** Notes the end of a connection. @param hasAsked whether it asked anything. */
  readonly note: (group: Group, hasAsked: boolean, now: number) => void
  readonly isPenalised: (group: Group, now: number) => boolean
}

/** How many of so many connections of one address must end without a question. */
const UNFINISHED = 8
const OF = 16
const PENALTY_MS = 600_000
/** Limits the memory; the source unheard for longest is forgotten first. */
const GROUPS = 4_096

interface Record {
  count: number
  unfinished: number
  penalisedAt: number
}

export function makeUnfinished(): Unfinished {
  const records = new Map<string, Record>()
  return {
    note: ({ key, factor }, hasAsked, now) => {
      const record = records.get(key) ?? { count: 0, unfinished: 0, penalisedAt: -Infinity }
      records.delete(key)
      records.set(key, record)
      const [oldest] = records.keys()
      if (records.size > GROUPS && oldest !== undefined) records.delete(oldest)
      record.count += 1
      if (!hasAsked) record.unfinished += 1
      if (record.unfinished >= UNFINISHED * factor) record.penalisedAt = now
      if (record.count < OF * factor && record.unfinished < UNFINISHED * factor) return
      record.count = 0
      record.unfinished = 0
    },
    isPenalised: ({ key }, now) => {
      const record = records.get(key)
      return record !== undefined && now - record.penalisedAt < PENALTY_MS
    },
  }
}
