import { makeLog } from '../../system/process/log.ts'

/** Writes a line of each level, and one of a child's. */
const log = makeLog('agent')
log.level = 'trace'
for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) log[level](level)
log.child({ of: 'agent' }).warn('child')
