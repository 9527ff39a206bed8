import * as v from 'valibot'
import { type LogEntry, logEntryIn, logText } from '../../system/process/log-text.ts'
import { localTime } from '../../system/time/local-time.ts'

/** An entry of the journal, as `journalctl --output json` prints it: all values are texts (journal-export formats). */
const JournalEntrySchema = v.object({
  /** Microseconds since 1970. */
  __REALTIME_TIMESTAMP: v.pipe(v.string(), v.regex(/^\d+$/)),
  PRIORITY: v.optional(v.string(), '6'),
  _SYSTEMD_UNIT: v.optional(v.string()),
  /** Bytes where it is no UTF-8 text; null where it is too long to be printed. */
  MESSAGE: v.nullish(v.union([v.string(), v.array(v.number())]), ''),
})

const WORDS: Readonly<Record<number, string>> = { 20: '', 30: '', 40: 'warning: ' }
/** pino's level of each priority of syslog(3). */
const LEVELS = [60, 60, 60, 50, 40, 30, 30, 20] as const

/**
 * An entry as the log's own lines are outside the journal: level, time, message, and the service's name. One that an
 * older homeward logged is JSON in itself, and stays as it is.
 * @returns null for what is no entry.
 */
export function logEntryOf(line: string): LogEntry | null {
  const read = v.safeParse(JournalEntrySchema, jsonIn(line))
  if (!read.success) return null
  const { MESSAGE: message, PRIORITY: priority, _SYSTEMD_UNIT: unit, __REALTIME_TIMESTAMP: microseconds } = read.output
  const msg = Array.isArray(message) ? Buffer.from(message).toString('utf8') : (message ?? '')
  const time = new Date(Number(microseconds) / 1_000).toISOString()
  return logEntryIn(msg) ?? { level: LEVELS[Number(priority)] ?? 30, time, unit, msg }
}

/** `2026-11-23 03:12:05 CET  warning: a home registered  home=cabin`. */
export function logLine(logged: LogEntry): string {
  const entry: LogEntry = { ...logged, unit: undefined }
  const word = WORDS[Number(entry['level'])] ?? 'error: '
  return `${localTime(String(entry['time']))}  ${word}${logText(entry)}`
}

function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
