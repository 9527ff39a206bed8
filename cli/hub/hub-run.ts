import { hubPaths } from '../../hub/settings/paths.ts'
import { runHub } from '../../hub/run.ts'
import type { Context } from '../context.ts'
import { runDaemon } from '../daemon.ts'
import { loadAdapter } from '../side/hub-session.ts'
import { logWentBack } from '../upgrade/went-back.ts'
import { version } from '../version.ts'

export async function hubRun(context: Context): Promise<void> {
  await runDaemon('hub', async (log, signal) => {
    await logWentBack(log, context.stateDir, version)
    await runHub(hubPaths(context), await loadAdapter(), version, log, signal)
  })
}
