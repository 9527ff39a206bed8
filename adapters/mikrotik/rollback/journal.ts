import { readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { reasonOf } from '../../../problems/problem.ts'
import { makeFolder, writeFileAtomic } from '../../../system/files/atomic-file.ts'
import { enrolWriter, isAtWork, retireWriter } from '../../router/writer.ts'
import { parseMark } from '../objects/mark.ts'
import type { Snapshot } from './snapshot.ts'

const RowSchema = v.record(v.string(), v.string())
const KeptRowsSchema = v.array(
  v.object({ key: v.string(), attributes: RowSchema, before: v.nullable(v.string()), next: v.optional(RowSchema) }),
)
const WriterSchema = v.object({
  boot: v.string(),
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  startedAt: v.string(),
  token: v.string(),
})

/** How the router was reached; no password. */
const AccessSchema = v.object({ port: v.number(), user: v.string(), certificate: v.nullable(v.string()) })

const JournalSchema = v.object({
  version: v.literal(1),
  host: v.string(),
  /** Missing in journals of a homeward that needed agent.yaml to play them. */
  access: v.optional(AccessSchema),
  /** The tunnel after which the entry of the scheduler is named. */
  interface: v.string(),
  /** All tunnels that are changed; a homeward that knew one tunnel on a machine did not write this. */
  interfaces: v.optional(v.array(v.string())),
  snapshot: v.object({
    interface: KeptRowsSchema,
    peer: KeptRowsSchema,
    address: KeptRowsSchema,
    route: KeptRowsSchema,
    filter: KeptRowsSchema,
    nat: KeptRowsSchema,
    mangle: KeptRowsSchema,
  }),
  /** The mechanism on the router that undoes the change when it is not told to keep it. */
  undoer: v.variant('kind', [
    v.object({ kind: v.literal('safe-mode') }),
    /** `until`: when the job is over, in seconds since 1970 by this machine's clock. */
    v.object({ kind: v.literal('job'), id: v.string(), until: v.number() }),
    v.object({ kind: v.literal('schedule') }),
  ]),
  writer: WriterSchema,
})

/** The state of a router before a change that is not kept yet. Whoever finds this after a crash restores it. */
export type Journal = Readonly<Omit<v.InferOutput<typeof JournalSchema>, 'snapshot' | 'interfaces'>> & {
  readonly snapshot: Snapshot
  readonly interfaces?: readonly string[] | undefined
}
export type Undoer = Journal['undoer']

/** The `.id` of a job of which is not known yet whether the router started it. */
export const UNKNOWN_JOB = ''

/** The tunnels that a change is about. */
export function tunnelsOf({ interface: name, interfaces, snapshot }: Journal): readonly string[] {
  if (interfaces !== undefined) return interfaces
  const marks = Object.values(snapshot)
    .flat()
    .map(({ attributes }) => parseMark(attributes['comment'])?.interface)
  return [...new Set([name, ...marks.filter((one) => one !== undefined)])]
}

/** The journal that a process left which is gone. */
export type LeftJournal =
  | { readonly kind: 'none' }
  | { readonly kind: 'left'; readonly journal: Journal }
  | { readonly kind: 'unusable'; readonly why: string }

const NONE: LeftJournal = { kind: 'none' }

/**
 * Writes the journal.
 * @param earlier the one of the same change that it takes the place of.
 * @throws {Problem} `write-failed`.
 */
export async function writeJournal(
  stateDir: string,
  entry: Omit<Journal, 'version' | 'writer'>,
  earlier: Journal | null,
): Promise<Journal> {
  await makeFolder(stateDir)
  const journal: Journal = { version: 1, ...entry, writer: earlier?.writer ?? (await enrolWriter()) }
  await writeFileAtomic(fileIn(stateDir), `${JSON.stringify(journal)}\n`)
  return journal
}

/** Reads a left journal. @returns none also for one of another router, or of a process that is still at work. */
export async function readLeftJournal(stateDir: string, host: string): Promise<LeftJournal> {
  let text: string
  try {
    text = await readFile(fileIn(stateDir), 'utf8')
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ENOENT' ? NONE : { kind: 'unusable', why: reasonOf(thrown) }
  }
  const written = parsed(text)
  const { writer } = written
  if (v.is(WriterSchema, writer) && (await isAtWork(writer))) return NONE
  const { version } = written
  if (typeof version === 'number' && version > 1)
    return { kind: 'unusable', why: `a newer homeward wrote it (format ${version})` }
  if (!v.is(JournalSchema, written)) return { kind: 'unusable', why: 'it is damaged' }
  return written.host === host ? { kind: 'left', journal: written } : NONE
}

/** The router of which a journal is left, and how it was reached; null: none is left, or it does not say. */
export async function routerOfJournal(
  stateDir: string,
): Promise<({ readonly host: string } & v.InferOutput<typeof AccessSchema>) | null> {
  const written = parsed(await readFile(fileIn(stateDir), 'utf8').catch(() => ''))
  const { host, access } = written
  return typeof host === 'string' && v.is(AccessSchema, access) ? { host, ...access } : null
}

export async function removeJournal(stateDir: string, { writer }: Journal): Promise<void> {
  await rm(fileIn(stateDir), { force: true })
  retireWriter(writer)
}

/** Moves the journal out of the way of the next change, for a person to look at. @returns its new path. */
export async function setJournalAside(stateDir: string): Promise<string> {
  const aside = asideIn(stateDir)
  await rm(aside, { recursive: true, force: true })
  await rename(fileIn(stateDir), aside)
  return aside
}

/** Makes the journal a left one from now on, for this process too. */
export function leaveJournal({ writer }: Journal): void {
  retireWriter(writer)
}

/** All paths that a journal may ever have. */
export function journalPaths(stateDir: string): readonly string[] {
  return [fileIn(stateDir), asideIn(stateDir)]
}

function fileIn(stateDir: string): string {
  return join(stateDir, 'router-undo.json')
}

function asideIn(stateDir: string): string {
  return join(stateDir, 'router-undo.unusable.json')
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return v.is(v.record(v.string(), v.unknown()), value) ? value : {}
  } catch {
    return {}
  }
}
