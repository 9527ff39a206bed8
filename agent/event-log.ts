import { appendFile, open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem, reasonOf } from '../problems/problem.ts'
import { ownLikeFolder } from '../system/own-like-folder.ts'
import { type HomeEvent, parseEvent } from './events.ts'

/** The memory of a home: events.jsonl in the state folder, and events.1.jsonl with what was before. */
export interface EventLog {
  /** The newest mapping event, from which the ledger goes on. */
  readonly lastMapping: () => MappingEvent | null
  /** When mappings began, ISO, oldest first: the newest dozen, enough to see whether the carrier has a rhythm. */
  readonly mappingTimes: () => readonly string[]
  /** Appends. A full disk loses the event and nothing else: the answer says why. */
  readonly note: (event: HomeEvent) => Promise<string | null>
}

type MappingEvent = Extract<HomeEvent, { kind: 'mapping' }>

/** Some ten thousand events; twice that is the most that is kept. */
const LARGEST_BYTES = 1024 * 1024

const RECENT = 12

/** Never fails: without its memory an agent begins with an empty ledger, and says at each event why it is lost. */
export async function openEventLog(stateDir: string, largestBytes = LARGEST_BYTES): Promise<EventLog> {
  const path = eventsPath(stateDir)
  const recent = newestMappings(await readTexts(stateDir).catch(() => []))
  let lastMapping = recent.at(-1) ?? null
  let mappingTimes = recent.map(({ at }) => at)
  // Not here: whoever opens it may yet find that another agent is running.
  let turn: Promise<unknown> | null = null

  async function write(event: HomeEvent): Promise<string | null> {
    try {
      if ((await sizeOf(path)) >= largestBytes) {
        await rename(path, olderEventsPath(stateDir))
        // The ledger goes on from it, however long ago that was.
        if (lastMapping !== null) await append(path, lastMapping)
      }
      await append(path, event)
      return null
    } catch (thrown) {
      return reasonOf(thrown)
    }
  }

  return {
    lastMapping: () => lastMapping,
    mappingTimes: () => mappingTimes,
    note: (event) => {
      if (event.kind === 'mapping') {
        lastMapping = event
        mappingTimes = [...mappingTimes, event.at].slice(-RECENT)
      }
      turn ??= endTornLine(path).catch(() => undefined)
      const mine = turn.then(() => write(event))
      turn = mine
      return mine
    },
  }
}

/** All that is kept, oldest first. @throws {Problem} `config-unreadable`. */
export async function readEvents(stateDir: string): Promise<readonly HomeEvent[]> {
  const texts = await readTexts(stateDir)
  // A set, since the newest mapping stands in both files after one became the older.
  const lines = new Set(texts.flatMap((text) => text.split('\n')))
  return [...lines].map(parseEvent).filter((event) => event !== null)
}

export function eventsPath(stateDir: string): string {
  return join(stateDir, 'events.jsonl')
}

export function olderEventsPath(stateDir: string): string {
  return join(stateDir, 'events.1.jsonl')
}

async function readTexts(stateDir: string): Promise<readonly string[]> {
  return [await textOf(olderEventsPath(stateDir)), await textOf(eventsPath(stateDir))]
}

/** Oldest first. Looks at the few lines that may be one: an agent shall not read years of events to begin. */
function newestMappings(texts: readonly string[]): readonly MappingEvent[] {
  // The newest one may stand in both files.
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

async function append(path: string, event: HomeEvent): Promise<void> {
  await appendFile(path, `${JSON.stringify(event)}\n`, { mode: 0o600 })
  await ownLikeFolder(path)
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    if (isMissing(thrown)) return ''
    throw new Problem('config-unreadable', { what: `reading ${path}`, why: reasonOf(thrown), cause: thrown })
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (thrown) {
    if (isMissing(thrown)) return 0
    throw thrown
  }
}

/** A power cut may leave half a line; the next event must not stick to it. */
async function endTornLine(path: string): Promise<void> {
  const size = await sizeOf(path).catch(() => 0)
  if (size === 0) return
  const file = await open(path, 'r')
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
    if (buffer[0] !== 0x0a) await appendFile(path, '\n')
  } finally {
    await file.close()
  }
}

function isMissing(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}
