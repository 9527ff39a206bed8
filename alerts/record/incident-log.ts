import { join } from 'node:path'
import * as v from 'valibot'
import { type IncidentRecord, IncidentSchema } from '../../protocol/incidents.ts'
import { olderOf, openJsonLines, readJsonLines } from '../../system/files/json-lines.ts'

/**
 * incidents.jsonl in the state folder, and the older incidents.1.jsonl. Each line is one incident as it was then,
 * written when it began to last, when people were told, when it was over and when both ends had compared it; the last
 * line of an id counts. An outage costs a storage card some four writes.
 */
export interface IncidentLog {
  /** Writes a record. @returns why it was lost; null when it was not. */
  readonly write: (record: IncidentRecord) => Promise<string | null>
}

/** The size at which a new file begins: some two thousand lines; twice that is the most that is kept. */
const LARGEST_BYTES = 1024 * 1024

export function openIncidentLog(stateDir: string, largestBytes = LARGEST_BYTES): IncidentLog {
  const file = openJsonLines(incidentsPath(stateDir), largestBytes)
  return { write: (record) => file.append(JSON.stringify(record)) }
}

/** Reads all incidents that are kept, by their begin. @throws {Problem} `config-unreadable`. */
export async function readIncidents(stateDir: string): Promise<readonly IncidentRecord[]> {
  const found = new Map<string, IncidentRecord>()
  for (const line of (await readJsonLines(incidentsPath(stateDir))).flatMap((text) => text.split('\n'))) {
    const record = parseRecord(line)
    if (record === null) continue
    // The record under the id from before both ends met is the same incident.
    if (record.alias !== null) found.delete(record.alias)
    found.set(record.id, record)
  }
  return [...found.values()].sort((a, b) => a.began.localeCompare(b.began))
}

/** The files of incidents, present and older. */
export function incidentPaths(stateDir: string): readonly string[] {
  const path = incidentsPath(stateDir)
  return [path, olderOf(path)]
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
