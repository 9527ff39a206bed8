import type { Log } from '../../system/process/log.ts'

/** Logs warnings that were not among those of the time before. */
export function makeLogOnce(log: Pick<Log, 'warn'>): (warnings: readonly string[]) => void {
  let said: readonly string[] = []
  return (warnings) => {
    for (const warning of warnings.filter((one) => !said.includes(one))) log.warn(warning)
    said = warnings
  }
}
