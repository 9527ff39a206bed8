/** What pino puts into each line, and is said otherwise or to nobody. */
const OWN: ReadonlySet<string> = new Set(['level', 'time', 'role', 'msg', 'pid', 'hostname'])

/** A line of the log, as JSON says it. */
export type LogEntry = Readonly<Record<string, unknown>>

/** @returns null for a line that is not the log's own, such as systemd's. */
export function logEntryIn(line: string): LogEntry | null {
  if (!line.startsWith('{')) return null
  try {
    const entry = JSON.parse(line) as LogEntry
    return 'level' in entry && 'time' in entry ? entry : null
  } catch {
    return null
  }
}

/** What an entry says to people, without time and level: `a home registered  home=cabin reason=start`. */
export function logText(entry: LogEntry): string {
  const { msg } = entry
  const facts = Object.entries(entry)
    .filter(([key, value]) => !OWN.has(key) && value !== null && value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return [typeof msg === 'string' ? msg : '', facts.join(' ')].filter((part) => part !== '').join('  ')
}
