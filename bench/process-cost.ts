import type { Host } from '../test/lab/host/host.ts'

/** proc_pid_stat(5) counts in ticks of sysconf(_SC_CLK_TCK), which is 100 on Linux wherever homeward runs. */
const TICKS_PER_SECOND = 100

export interface ProcessCost {
  readonly rssMb: number
  /** What cannot be dropped and read again from disk. */
  readonly anonymousMb: number
}

/**
 * CPU seconds of a process and of its children: those that have ended, and the shells that it keeps, with theirs. `pid` as
 * its own host counts.
 */
export async function cpuSeconds(host: Host, pid: number): Promise<number> {
  const kept = (await host.run('pgrep', ['-P', String(pid)], { allowFailure: true })).stdout.trim().split('\n')
  const stats = await Promise.all(
    [String(pid), ...kept.filter((child) => child !== '')].map((one) => host.run('cat', [`/proc/${one}/stat`])),
  )
  return stats.reduce((sum, { stdout }) => sum + secondsIn(stdout), 0)
}

function secondsIn(stat: string): number {
  // The name may hold spaces: fields are counted behind its bracket. utime, stime, cutime, cstime are fields 14 to 17.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) / TICKS_PER_SECOND
}

/** Memory of a process now (proc_pid_status(5), VmRSS and RssAnon, in kB). */
export async function readProcess(host: Host, pid: number): Promise<ProcessCost> {
  const { stdout } = await host.run('cat', [`/proc/${pid}/status`])
  return { rssMb: kilobytes(stdout, 'VmRSS') / 1024, anonymousMb: kilobytes(stdout, 'RssAnon') / 1024 }
}

/**
 * Bytes that a process has given to its storage since it began (proc_pid_io(5), write_bytes): whole pages of its files. What
 * a file system's own journal writes besides is not in it.
 */
export async function writtenBytes(host: Host, pid: number): Promise<number> {
  const { stdout } = await host.run('cat', [`/proc/${pid}/io`])
  return Number(/^write_bytes: (\d+)$/m.exec(stdout)?.[1])
}

function kilobytes(status: string, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
  if (found === undefined) throw new Error(`/proc/PID/status has no ${field}`)
  return Number(found)
}
