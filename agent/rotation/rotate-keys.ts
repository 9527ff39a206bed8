import { asProblem, reasonOf } from '../../problems/problem.ts'
import { branchSignal } from '../../system/time/branch-signal.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { NewEvent } from '../memory/events.ts'
import { makeInbox } from '../../system/process/inbox.ts'
import type { RotatedKey } from '../secrets/rotated-key.ts'

/** Rotates the tunnel's key when agent.yaml's `rotateKeys` says so. */
export interface KeyRotations {
  /** Follows agent.yaml, which may name other moments now. */
  readonly configured: () => void
  readonly run: (signal: AbortSignal) => Promise<void>
}

export interface RotationEffects {
  /** The cron expression of this moment; null: never. */
  readonly expression: () => string | null
  /** Whether tunnel and registrar are well: one in trouble is not given more. */
  readonly isWell: () => boolean
  /** @throws {Problem} when the tunnel kept its old key. */
  readonly rotate: () => Promise<RotatedKey>
  readonly note: (event: NewEvent) => void
}

const LOOK_EVERY_MS = 5_000

export function makeKeyRotations(
  { expression, isWell, rotate, note }: RotationEffects,
  clock: Clock,
  log: Log,
): KeyRotations {
  const changes = makeInbox<'configured'>()

  async function rotateOnce(signal: AbortSignal): Promise<void> {
    while (!isWell() && !signal.aborted) await sleep(LOOK_EVERY_MS, signal)
    if (signal.aborted) return
    log.info('the tunnel gets a new key')
    try {
      const { publicKey } = await rotate()
      log.info({ publicKey }, 'the tunnel has a new key')
      note({ kind: 'key', publicKey, why: null })
    } catch (thrown) {
      const { code, message } = asProblem(thrown, 'changing the tunnel’s key')
      log.error({ code }, `${message} The tunnel keeps its old key.`)
      note({ kind: 'key', publicKey: null, why: message })
    }
  }

  /** Schedules rotations until agent.yaml changes or the agent ends. */
  async function follow(moments: string, signal: AbortSignal): Promise<void> {
    const { schedule } = await import('../../system/time/schedule.ts')
    const changed = branchSignal(signal)
    const waiting = changes.wait(Number.MAX_SAFE_INTEGER, changed.signal).then(() => changed.end())
    try {
      await schedule(moments, rotateOnce, clock, changed.signal)
    } catch (thrown) {
      // The expression was checked when agent.yaml was read; still, better no rotation than no agent.
      log.error({ why: reasonOf(thrown) }, 'the key cannot be rotated by rotateKeys')
    }
    await waiting
  }

  return {
    configured: () => changes.put('configured'),
    run: async (signal) => {
      while (!signal.aborted) {
        changes.drain()
        const moments = expression()
        if (moments === null) await changes.wait(Number.MAX_SAFE_INTEGER, signal)
        else await follow(moments, signal)
      }
    },
  }
}
