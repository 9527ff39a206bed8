import { pino } from 'pino'
import type { Log } from '../../system/process/log.ts'

/** The daemon's log, kept: one parsed object a line. */
export function captureLog(): { readonly log: Log; readonly lines: readonly Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  const write = (line: string): void => {
    lines.push(JSON.parse(line) as Record<string, unknown>)
  }
  return { log: pino({ level: 'trace' }, { write }), lines }
}
