import { existsSync, readFileSync } from 'node:fs'
import { childrenOf } from './sshd.ts'

/** CPU of a process and of those that it waited for, in ticks of the clock (proc_pid_stat(5), fields 14 to 17). */
function ticksOf(pid: number): number {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return 0
  const stat = readFileSync(file, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
}

/** With those of its children that live, which count for nothing in it yet. */
export function ticksOfAll(pid: number): number {
  return childrenOf(pid).reduce((sum, child) => sum + ticksOfAll(child), ticksOf(pid))
}

/** It may have ended by itself just now. */
export function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown
  }
}
