import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** The process that changes a router: whoever finds the change half done can tell whether it is still at work. */
export interface Writer {
  /** The boot of the machine in which it ran: after a power cut, process numbers are others'. */
  readonly boot: string
  readonly pid: number
  /** The start of the process, which tells it from a later one of the same number. */
  readonly startedAt: string
  readonly token: string
}

/** Tokens of the changes of this process. */
const atWork = new Set<string>()

export async function enrolWriter(): Promise<Writer> {
  const token = randomUUID()
  atWork.add(token)
  return { boot: await bootId(), pid: process.pid, startedAt: await startOf(process.pid), token }
}

/** Lets others take over what the writer left, from now on and in this process too. */
export function retireWriter({ token }: Writer): void {
  atWork.delete(token)
}

export async function isAtWork({ boot, pid, startedAt, token }: Writer): Promise<boolean> {
  if (boot !== (await bootId())) return false
  const startedNow = await startOf(pid)
  if (pid === process.pid && startedAt === startedNow) return atWork.has(token)
  // The service does not see other users' processes (ProtectProc=): of root's commands it can tell only this much.
  if (startedNow === '') return answersToItsNumber(pid)
  return startedAt === startedNow
}

/** Whether there is such a process: signal 0 is sent to nobody, and refused (EPERM) for somebody else's (kill(2)). */
function answersToItsNumber(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The id of this boot of the machine (random(4)). */
function bootId(): Promise<string> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => '',
  )
}

/** When a process began, in ticks since the machine did (proc_pid_stat(5), field 22); empty when there is none. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name, in brackets, may hold any characters.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
