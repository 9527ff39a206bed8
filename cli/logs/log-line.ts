import { localTime } from '../../system/time/local-time.ts'

/** What pino puts into each line, and is said otherwise here or to nobody. */
const OWN: ReadonlySet<string> = new Set(['level', 'time', 'role', 'msg', 'pid', 'hostname'])

const LEVELS: readonly (readonly [number, string])[] = [
  [50, 'error: '],
  [40, 'warning: '],
]

/**
 * A line of the log for people: `2026-11-23 03:12:05 CET  a home registered  home=cabin reason=start`. A line that is not
 * the log's own, such as systemd's, stays as it is.
 */
export function logLine(line: string): string {
  const entry = entryIn(line)
  if (entry === null) return line
  const { time, level, msg } = entry
  const word = LEVELS.find(([from]) => Number(level) >= from)?.[1] ?? ''
  const facts = Object.entries(entry)
    .filter(([key, value]) => !OWN.has(key) && value !== null && value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const said = typeof msg === 'string' ? msg : ''
  return [typeof time === 'string' ? localTime(time) : '', `${word}${said}`, facts.join(' ')]
    .filter((part) => part !== '')
    .join('  ')
}

function entryIn(line: string): Readonly<Record<string, unknown>> | null {
  if (!line.startsWith('{')) return null
  try {
    const entry = JSON.parse(line) as Readonly<Record<string, unknown>>
    return 'level' in entry && 'time' in entry ? entry : null
  } catch {
    return null
  }
}
