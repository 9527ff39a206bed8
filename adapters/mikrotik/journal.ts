import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, writeFileAtomic } from '../../system/atomic-file.ts'
import { enrolWriter, isAtWork, retireWriter, type Writer } from '../writer.ts'
import type { Snapshot } from './snapshot.ts'

/** What stood on a router before a change that is not kept yet. Whoever finds it after a crash makes it so again. */
export interface Journal {
  readonly version: 1
  readonly host: string
  readonly interface: string
  readonly snapshot: Snapshot
  readonly undoer: Undoer
  readonly writer: Writer
}

/** Who on the router undoes the change when nobody tells it to keep it. */
export type Undoer =
  | { readonly kind: 'safe-mode' }
  | {
      readonly kind: 'job'
      readonly id: string
      /** Seconds since 1970 by this machine's clock at which it is over. */
      readonly until: number
    }
  | { readonly kind: 'schedule' }

/** @throws {Problem} `write-failed`. */
export async function writeJournal(stateDir: string, entry: Omit<Journal, 'version' | 'writer'>): Promise<Journal> {
  await makeFolder(stateDir)
  const journal: Journal = { version: 1, ...entry, writer: await enrolWriter() }
  await writeFileAtomic(fileIn(stateDir), `${JSON.stringify(journal)}\n`)
  return journal
}

/** @returns null where there is none, none that can be read, or one of a process that is still at it. */
export async function readLeftJournal(stateDir: string, host: string): Promise<Journal | null> {
  const text = await readFile(fileIn(stateDir), 'utf8').catch(() => null)
  if (text === null) return null
  const journal = parse(text)
  if (journal === null || journal.version !== 1 || journal.host !== host) return null
  return (await isAtWork(journal.writer)) ? null : journal
}

export async function removeJournal(stateDir: string, { writer }: Journal): Promise<void> {
  await rm(fileIn(stateDir), { force: true })
  retireWriter(writer)
}

/** From now on it is a left one, for this process too. */
export function leaveJournal({ writer }: Journal): void {
  retireWriter(writer)
}

function fileIn(stateDir: string): string {
  return join(stateDir, 'router-undo.json')
}

/** Written by nobody but us, and whole or not at all. */
function parse(text: string): Journal | null {
  try {
    return JSON.parse(text) as Journal
  } catch {
    return null
  }
}
