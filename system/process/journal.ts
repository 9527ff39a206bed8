import { fstatSync } from 'node:fs'

/** The priority of a line, as syslog(3) counts them: 2 critical … 7 debug. */
export type Priority = 2 | 3 | 4 | 6 | 7

/**
 * Puts a priority before a line where the file descriptor is the journal, which takes it off again (sd-daemon(3)). Anywhere
 * else, on a terminal, in a file or in a pipe, it would be part of the text.
 */
export function forJournal(fd: number): (line: string, priority: Priority) => string {
  return isJournal(fd) ? (line, priority) => `<${priority}>${line}` : (line) => line
}

/** Whether the file descriptor is the journal. Only device and inode tell: every program that a service starts inherits JOURNAL_STREAM (systemd.exec(5)). */
export function isJournal(fd: number): boolean {
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true })
    return process.env['JOURNAL_STREAM'] === `${dev}:${ino}`
  } catch {
    return false
  }
}
