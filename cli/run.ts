import { runAgent } from '../agent/run.ts'
import { systemClock } from '../system/clock.ts'
import { makeLog } from '../system/log.ts'
import type { Context } from './context.ts'
import { orNoRoot } from './or-no-root.ts'
import { version } from './version.ts'

/** `homeward run`. Ends at SIGTERM or SIGINT, or when this machine leaves its hub; the tunnel stays until then. */
export async function run(context: Context): Promise<void> {
  const log = makeLog('agent')
  const ending = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => ending.abort())
  let recheck = (): void => undefined
  process.on('SIGHUP', () => recheck())
  // What nobody foresaw: said, then left to systemd, which starts it anew. The tunnel stays.
  process.on('uncaughtException', (error) => {
    log.fatal({ stack: error.stack }, error.message)
    process.exit(1)
  })
  await orNoRoot(() =>
    runAgent({ places: context, version, clock: systemClock, log }, ending.signal, (told) => {
      recheck = told
    }),
  )
}
