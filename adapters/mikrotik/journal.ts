import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, writeFileAtomic } from '../../system/atomic-file.ts'
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

/** The process that is at it. */
interface Writer {
  /** Of the machine's running time that it belongs to: after a power cut all numbers are others'. */
  readonly boot: string
  readonly pid: number
  /** Tells it from a later one of the same number. */
  readonly startedAt: string
  readonly token: string
}

/** Of this process. */
const live = new Set<string>()

/** @throws {Problem} `write-failed`. */
export async function writeJournal(stateDir: string, entry: Omit<Journal, 'version' | 'writer'>): Promise<Journal> {
  const token = randomUUID()
  const writer = { boot: await bootId(), pid: process.pid, startedAt: await startOf(process.pid), token }
  const journal: Journal = { version: 1, ...entry, writer }
  await makeFolder(stateDir)
  live.add(token)
  await writeFileAtomic(fileIn(stateDir), `${JSON.stringify(journal)}\n`)
  return journal
}

/** @returns null where there is none, none that can be read, or one of a process that is still at it. */
export async function readLeftJournal(stateDir: string, host: string): Promise<Journal | null> {
  const text = await readFile(fileIn(stateDir), 'utf8').catch(() => null)
  if (text === null) return null
  const journal = parse(text)
  if (journal === null || journal.version !== 1 || journal.host !== host) return null
  return (await isAlive(journal.writer)) ? null : journal
}

export async function removeJournal(stateDir: string, { writer }: Journal): Promise<void> {
  await rm(fileIn(stateDir), { force: true })
  live.delete(writer.token)
}

/** From now on it is a left one, for this process too. */
export function leaveJournal({ writer }: Journal): void {
  live.delete(writer.token)
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

async function isAlive({ boot, pid, startedAt, token }: Writer): Promise<boolean> {
  if (boot !== (await bootId())) return false
  const startedNow = await startOf(pid)
  if (pid === process.pid && startedAt === startedNow) return live.has(token)
  // The service does not see other users' processes (ProtectProc=), so that of root's commands it knows this much.
  if (startedNow === '') return answersToItsNumber(pid)
  return startedAt === startedNow
}

/** Signal 0 is sent to nobody, and refused (EPERM) where there is somebody else's process (kill(2)). */
function answersToItsNumber(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Another one after each start of the machine (random(4)). */
function bootId(): Promise<string> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => '',
  )
}

/** When a process began, in ticks since the machine did (proc_pid_stat(5), field 22); empty when there is none. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name, in brackets, may hold anything.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
