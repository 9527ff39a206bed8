import type { Adapter } from '../../adapters/adapter.ts'
import type { FollowEnd } from '../../adapters/follow.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { backoffMs } from '../../system/time/backoff.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Judge } from './judge.ts'

/** Pauses before a machine that tells no more is heard again. */
const PAUSES = { firstMs: 1_000, ceilingMs: 60_000 } as const

/** How long it must have told for the next end to be the first one again. */
const LASTED_MS = 60_000

/** A machine that never tells may be upgraded. */
const UNSUPPORTED_AGAIN_MS = 3_600_000

/**
 * Hears what the machine that the tunnel ends on tells of changes, and notices it for the judge, until the signal aborts.
 * While nothing is heard the judge is told so: looks are all that there is then.
 */
export async function followMachine(
  adapter: Pick<Adapter, 'follow'>,
  { notice, clock, log }: { readonly notice: Judge['notice']; readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  if (adapter.follow === undefined) return
  let failures = 0
  let said: string | null = null
  while (!signal.aborted) {
    const began = clock.now()
    const { kind, why } = await adapter.follow(
      {
        begun: () => {
          if (said !== null) log.info('the router tells of changes again')
          said = null
          notice({ kind: 'followed', isFollowed: true })
        },
        changed: () => notice({ kind: 'hinted' }),
      },
      signal,
    )
    notice({ kind: 'followed', isFollowed: false })
    if (signal.aborted) return
    if (said !== why) log.info({ why }, 'the router does not tell of changes now: it is looked at more often')
    said = why
    failures = clock.now() - began >= LASTED_MS ? 1 : failures + 1
    await sleep(pauseMs(kind, failures), signal)
  }
}

/** How long until the machine is listened to again. @param failures ends in a row, each soon after it began. */
export function pauseMs(kind: FollowEnd['kind'], failures: number): number {
  return kind === 'unsupported' ? UNSUPPORTED_AGAIN_MS : backoffMs(PAUSES, failures)
}
