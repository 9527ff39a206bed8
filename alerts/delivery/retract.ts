import { systemClock } from '../../system/time/clock.ts'
import { makeLog } from '../../system/process/log.ts'
import { openRetained } from '../transport/retained.ts'
import { makeTakeBack } from './take-back.ts'

/**
 * Clears everything that this end ever told Home Assistant, before the end is removed; nothing of it may be running.
 * What could not be cleared stays remembered.
 * @returns the brokers that could not be cleared.
 */
export async function retractAll(stateDir: string, signal: AbortSignal): Promise<readonly string[]> {
  const log = makeLog('agent')
  // A command's standard output is its answer.
  log.level = 'silent'
  const retained = await openRetained(stateDir, log)
  const takeBack = makeTakeBack({ retained, channels: () => [], clock: systemClock, log })
  await takeBack.attempt(signal)
  return takeBack.left()
}
