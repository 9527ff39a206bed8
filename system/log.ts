import { pino, type Logger } from 'pino'

export type Log = Logger

/**
 * JSON lines on stdout, which journald keeps. No transports: their workers break in bundles and cost a thread.
 * The redaction is the second net; the first is that nobody hands a secret to the log.
 */
export function makeLog(role: 'agent' | 'hub'): Log {
  return pino({
    base: { role },
    level: process.env['HOMEWARD_LOG_LEVEL'] ?? 'info',
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ['*.privateKey', '*.presharedKey', '*.secret', '*.token', 'privateKey', 'presharedKey', 'secret', 'token'],
      censor: '(secret)',
    },
  })
}
