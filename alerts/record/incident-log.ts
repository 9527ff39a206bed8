import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { type IncidentRecord, IncidentSchema } from '../../protocol/incidents.ts'
import { type JsonLinesFile, olderOf, openJsonLines, readJsonLines } from '../../system/files/json-lines.ts'
import type { End } from '../core/trouble.ts'

/**
 * incidents.jsonl in the state folder, and the older incidents.1.jsonl; on the hub a pair for each home, in the folder
 * incidents, so that no home's reports push out another's. Each line is one incident as it was then,
 * written when it began to last, when people were told, when it was over and when both ends had compared it; the last
 * line of an id counts. An outage costs a storage card some four writes.
 */
export interface IncidentLog {
  /** Writes a record, in the order of the calls. @returns why it was lost; null when it was not. */
  readonly write: (record: IncidentRecord) => Promise<string | null>
  /** Resolves when what was to be written is in the file. */
  readonly settled: () => Promise<void>
}

/** The size at which a new file begins: some two thousand lines, of one home on the hub some 250; twice that is kept. */
const LARGEST_BYTES: Readonly<Record<End, number>> = { home: 1024 * 1024, hub: 128 * 1024 }

export function openIncidentLog(stateDir: string, end: End, largestBytes = LARGEST_BYTES[end]): IncidentLog {
  const pathOf = (home: string): string =>
    end === 'home' ? incidentsPath(stateDir) : join(homesFolder(stateDir), `${home}.jsonl`)
  const files = new Map<string, JsonLinesFile>()
  return {
    write: (record) => {
      const path = pathOf(record.home)
      const file = files.get(path) ?? openJsonLines(path, largestBytes)
      files.set(path, file)
      return file.append(JSON.stringify(record))
    },
    settled: async () => {
      for (const file of files.values()) await file.settled()
    },
  }
}

/** Reads all incidents that are kept, by their begin. @throws {Problem} `config-unreadable`. */
export async function readIncidents(stateDir: string): Promise<readonly IncidentRecord[]> {
  const found = new Map<string, IncidentRecord>()
  for (const line of await linesOf(stateDir)) {
    const record = parseRecord(line)
    if (record === null) continue
    // The record under the id from before both ends met is the same incident.
    if (record.alias !== null) found.delete(`${record.home} ${record.alias}`)
    // Homes choose the ids of what they report: what one calls as another's is not the other's.
    found.set(`${record.home} ${record.id}`, record)
  }
  return [...found.values()].sort((a, b) => a.began.localeCompare(b.began))
}

/** The lines of the one file, which a hub of before wrote too, and of those of homes. */
async function linesOf(stateDir: string): Promise<readonly string[]> {
  const folder = homesFolder(stateDir)
  // An older file is read with its newer one.
  const ofHomes = (await readdir(folder).catch(() => [])).filter((name) => /^[a-z0-9-]+\.jsonl$/.test(name))
  const lines: string[] = []
  for (const path of [incidentsPath(stateDir), ...ofHomes.map((name) => join(folder, name))])
    for (const text of await readJsonLines(path)) lines.push(...text.split('\n'))
  return lines
}

/** The files of incidents at a home, present and older. */
export function incidentPaths(stateDir: string): readonly string[] {
  const path = incidentsPath(stateDir)
  return [path, olderOf(path)]
}

function homesFolder(stateDir: string): string {
  return join(stateDir, 'incidents')
}

function incidentsPath(stateDir: string): string {
  return join(stateDir, 'incidents.jsonl')
}

/** null for a torn or foreign line: what a power cut left must not hide the rest. */
function parseRecord(line: string): IncidentRecord | null {
  try {
    const result = v.safeParse(IncidentSchema, JSON.parse(line))
    return result.success ? result.output : null
  } catch {
    return null
  }
}
