import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino'
import { oneLine, printableJson } from '../../problems/printable.ts'
import { forJournal, isJournal, type Priority } from './journal.ts'
import { logEntryIn, logText } from './log-text.ts'

export type Log = Logger

const STDOUT = 1

/**
 * The log on stdout: in the journal sentences, each with its priority, since people read it; elsewhere JSON lines. No
 * transports: their workers break in bundles and cost a thread. The redaction is the second net; the first is that no code hands a secret to the log.
 */
export function makeLog(role: 'agent' | 'hub'): Log {
  return pino(
    {
      base: { role },
      // Logs are read in terminals too: pino escapes what JSON demands, and C1 and bidi overrides are more than that.
      hooks: { streamWrite: printableJson },
      level: process.env['HOMEWARD_LOG_LEVEL'] ?? 'info',
      timestamp: stdTimeFunctions.isoTime,
      redact: {
        paths: [
          '*.privateKey',
          '*.presharedKey',
          '*.secret',
          '*.token',
          'privateKey',
          'presharedKey',
          'secret',
          'token',
        ],
        censor: '(secret)',
      },
    },
    toStdout(),
  )
}

/** The stream that pino makes by default; for the journal in words, and with the priority added. */
function toStdout(): DestinationStream {
  const stdout = destination(STDOUT)
  const inWords = isJournal(STDOUT)
  const withPriority = forJournal(STDOUT)
  const stream = {
    // Makes pino set `lastLevel` to the level of the line it writes next (its documentation, API, pino.destination).
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 30,
    write: (line: string) => stdout.write(withPriority(inWords ? said(line) : line, priorityOf(stream.lastLevel))),
  }
  return stream
}

function said(line: string): string {
  const entry = logEntryIn(line)
  return entry === null ? line : `${oneLine(logText(entry))}\n`
}

/** The priority of a pino level. */
function priorityOf(level: number): Priority {
  if (level >= 60) return 2
  if (level >= 50) return 3
  if (level >= 40) return 4
  return level >= 30 ? 6 : 7
}
