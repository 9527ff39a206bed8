import { sourceOf } from './source-groups.ts'

/** Counts wrong secrets per source, and no others: homes behind one carrier share an address, and theirs are right. */
export interface WrongSecrets {
  /** Counts one more from this address. @returns how many came in this minute, and whether that is too many. */
  readonly count: (address: string, now: number) => { readonly count: number; readonly tooMany: boolean }
}

const WINDOW_MS = 60_000
const ALLOWED = 20
/** Limits the memory, however many sources come; the oldest one is forgotten first. */
const SOURCES = 4096

interface Source {
  readonly since: number
  count: number
}

export function makeWrongSecrets(): WrongSecrets {
  const sources = new Map<string, Source>()
  return {
    count: (address, now) => {
      const key = sourceOf(address)
      const known = sources.get(key)
      const source = known === undefined || now - known.since >= WINDOW_MS ? { since: now, count: 0 } : known
      source.count += 1
      // Removed and added again, so that the Map's first is always the source unheard for longest.
      sources.delete(key)
      sources.set(key, source)
      const [oldest] = sources.keys()
      if (sources.size > SOURCES && oldest !== undefined) sources.delete(oldest)
      return { count: source.count, tooMany: source.count > ALLOWED }
    },
  }
}
