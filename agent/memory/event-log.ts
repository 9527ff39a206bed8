import { join } from 'node:path'
import { olderOf, openJsonLines, readJsonLines } from '../../system/files/json-lines.ts'
import { type HomeEvent, parseEvent } from './events.ts'

/** The memory of a home: events.jsonl in the state folder, and the older events.1.jsonl. */
export interface EventLog {
  /** The newest mapping event, from which the ledger continues. */
  readonly lastMapping: () => MappingEvent | null
  /** When mappings began, ISO, oldest first: the newest dozen, enough to see whether the carrier has a rhythm. */
  readonly mappingTimes: () => readonly string[]
  /**
   * Appends an event. A full disk loses the event and nothing else.
   * @returns why it was lost; null when it was not.
   */
  readonly note: (event: HomeEvent) => Promise<string | null>
}

type MappingEvent = Extract<HomeEvent, { kind: 'mapping' }>

/** The size at which a new file begins: some ten thousand events; twice that is the most that is kept. */
const LARGEST_BYTES = 1024 * 1024

const RECENT = 12

/** Opens the log, never fails: without a memory the ledger begins empty, and each event says why it is lost. */
export async function openEventLog(stateDir: string, largestBytes = LARGEST_BYTES): Promise<EventLog> {
  const path = eventsPath(stateDir)
  const recent = newestMappings(await readJsonLines(path).catch(() => []))
  let lastMapping = recent.at(-1) ?? null
  let mappingTimes = recent.filter(({ drill }) => drill !== true).map(({ at }) => at)
  // The ledger continues from the newest mapping, however long ago that was.
  const file = openJsonLines(path, largestBytes, () => (lastMapping === null ? null : JSON.stringify(lastMapping)))

  return {
    lastMapping: () => lastMapping,
    mappingTimes: () => mappingTimes,
    note: (event) => {
      if (event.kind === 'mapping') {
        lastMapping = event
        // What was done on purpose is no rhythm of the carrier's.
        if (event.drill !== true) mappingTimes = [...mappingTimes, event.at].slice(-RECENT)
      }
      return file.append(JSON.stringify(event))
    },
  }
}

/** Reads all events that are kept, oldest first. @throws {Problem} `config-unreadable`. */
export async function readEvents(stateDir: string): Promise<readonly HomeEvent[]> {
  const texts = await readJsonLines(eventsPath(stateDir))
  // A set, since the newest mapping is in both files after one became the older.
  const lines = new Set(texts.flatMap((text) => text.split('\n')))
  return [...lines].map(parseEvent).filter((event) => event !== null)
}

export function eventsPath(stateDir: string): string {
  return join(stateDir, 'events.jsonl')
}

export function olderEventsPath(stateDir: string): string {
  return olderOf(eventsPath(stateDir))
}

/** The newest mappings, oldest first. Parses few lines: an agent shall not read years of events to begin. */
function newestMappings(texts: readonly string[]): readonly MappingEvent[] {
  // The newest mapping may be in both files.
  const found = new Map<string, MappingEvent>()
  for (const text of texts.toReversed())
    for (let end = text.length, at = 0; end > 0; end = at) {
      at = text.lastIndexOf('\n', end - 1)
      const line = text.slice(at + 1, end)
      const event = line.includes('"mapping"') ? parseEvent(line) : null
      if (event?.kind === 'mapping') found.set(line, event)
      if (at < 0 || found.size >= RECENT) break
    }
  return [...found.values()].slice(0, RECENT).reverse()
}
