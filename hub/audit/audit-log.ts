import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { openJsonLines, readJsonLines } from '../../system/files/json-lines.ts'
import type { Log } from '../../system/process/log.ts'
import type { Clock } from '../../system/time/clock.ts'
import { type AuditEntry, AuditEntrySchema, type Noted } from './entries.ts'

/**
 * Who did what, for the hub's owner: audit/HOME.jsonl in the state folder, each line one entry, and audit/@hub.jsonl for
 * what concerns no home. A pair of files a home, so that nobody can push another's history out.
 */
export interface AuditLog {
  /** Writes entries. Never throws: what is lost is in the program's log. */
  readonly note: (entries: readonly Noted[]) => void
  /** Resolves when what was noted is written. */
  readonly settled: () => Promise<void>
}

/** Twice that is kept of each home: some thousand lines. */
const LARGEST_BYTES = 128 * 1024

/** The same refusal or wish of a home within this time is one line: it may ask a thousand times. */
const SAME_MS = 3_600_000

/** Refusals of a home that are remembered to be told from new ones; a home that makes up more is written no more of. */
const MOST_REFUSALS = 32

/** Nothing is written; where no daemon runs. */
export const NO_AUDIT: AuditLog = { note: () => undefined, settled: async () => undefined }

export function openAuditLog(folder: string, clock: Pick<Clock, 'now' | 'wall'>, log: Log): AuditLog {
  const files = new Map<string, ReturnType<typeof openJsonLines>>()
  /** When each refusal was last written, by home. */
  const refusals = new Map<string, Map<string, number>>()
  let writing = Promise.resolve()

  async function write(entry: AuditEntry): Promise<void> {
    const name = entry.home ?? '@hub'
    const file = files.get(name) ?? openJsonLines(join(folder, `${name}.jsonl`), LARGEST_BYTES)
    files.set(name, file)
    const why = await file.append(JSON.stringify(entry))
    if (why !== null) log.warn({ why, home: entry.home, act: entry.act }, 'a line of the audit log was lost')
  }

  /** Whether a refusal or a wish says something that the last hour did not. */
  function isNews({ home, act, what, code = '' }: Noted): boolean {
    if (act !== 'refused' && act !== 'asked') return true
    const now = clock.now()
    const known = refusals.get(home ?? '@hub') ?? new Map<string, number>()
    refusals.set(home ?? '@hub', known)
    for (const [key, at] of known) if (now - at >= SAME_MS) known.delete(key)
    const key = `${act} ${code} ${what}`
    if (known.has(key) || known.size >= MOST_REFUSALS) return false
    known.set(key, now)
    return true
  }

  return {
    note: (entries) => {
      const at = clock.wall().toISOString()
      for (const entry of entries.filter(isNews)) writing = writing.then(() => write({ at, ...entry }))
    },
    settled: () => writing,
  }
}

/** Reads what is kept, oldest first. @param home of that home alone. @throws {Problem} `config-unreadable`. */
export async function readAuditLog(folder: string, home: string | null): Promise<readonly AuditEntry[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^[a-z0-9@-]+\.jsonl$/.test(name))
  const wanted = names.filter((name) => home === null || name === `${home}.jsonl`)
  const entries: AuditEntry[] = []
  for (const name of wanted)
    for (const text of await readJsonLines(join(folder, name)))
      entries.push(...text.split('\n').flatMap((line) => entryIn(line)))
  return entries.sort((a, b) => a.at.localeCompare(b.at))
}

/** None for a torn or foreign line: what a power cut left must not hide the rest. */
function entryIn(line: string): AuditEntry[] {
  try {
    const result = v.safeParse(AuditEntrySchema, JSON.parse(line))
    return result.success ? [result.output] : []
  } catch {
    return []
  }
}
