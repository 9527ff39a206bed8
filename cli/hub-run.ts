import { hubPaths } from '../hub/paths.ts'
import { runHub } from '../hub/run.ts'
import { makeLog } from '../system/log.ts'
import type { Context } from './context.ts'
import { loadAdapter } from './hub-session.ts'
import { version } from './version.ts'
import { orNoRoot } from './or-no-root.ts'

/** `homeward hub run`. Ends at SIGTERM or SIGINT; the tunnel stays. */
export async function hubRun(context: Context): Promise<void> {
  const log = makeLog('hub')
  const ending = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => ending.abort())
  // What nobody foresaw: said, then left to systemd, which starts it anew with everything in the store.
  process.on('uncaughtException', (error) => {
    log.fatal({ stack: error.stack }, error.message)
    process.exit(1)
  })
  await orNoRoot(async () => runHub(hubPaths(context), await loadAdapter(), version, log, ending.signal))
}
