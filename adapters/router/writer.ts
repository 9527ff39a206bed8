import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** The process that is at a change of a router: whoever finds the change half done learns whether somebody still is. */
export interface Writer {
  /** Of the machine's running time that it belongs to: after a power cut all numbers are others'. */
  readonly boot: string
  readonly pid: number
  /** Tells it from a later one of the same number. */
  readonly startedAt: string
  readonly token: string
}

/** Of this process. */
const atWork = new Set<string>()

export async function enrolWriter(): Promise<Writer> {
  const token = randomUUID()
  atWork.add(token)
  return { boot: await bootId(), pid: process.pid, startedAt: await startOf(process.pid), token }
}

/** From now on what it left is anybody's, for this process too. */
export function retireWriter({ token }: Writer): void {
  atWork.delete(token)
}

export async function isAtWork({ boot, pid, startedAt, token }: Writer): Promise<boolean> {
  if (boot !== (await bootId())) return false
  const startedNow = await startOf(pid)
  if (pid === process.pid && startedAt === startedNow) return atWork.has(token)
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
