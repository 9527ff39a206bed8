import { runAgent } from '../../agent/run.ts'
import { systemClock } from '../../system/time/clock.ts'
import type { Context } from '../context.ts'
import { runDaemon } from '../daemon.ts'
import { logWentBack } from '../upgrade/went-back.ts'
import { version } from '../version.ts'

/** `homeward run`. Ends on a signal, or when this machine leaves its hub. */
export async function run(context: Context): Promise<void> {
  let recheck = (): void => undefined
  process.on('SIGHUP', () => recheck())
  await runDaemon('agent', async (log, signal) => {
    await logWentBack(log, context.stateDir, version)
    await runAgent({ paths: context, version, clock: systemClock, log }, signal, (told) => {
      recheck = told
    })
  })
}
