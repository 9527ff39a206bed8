import { setImmediate as turnedOnce } from 'node:timers/promises'
import type { Clock } from '../../system/time/clock.ts'
import { makeInbox } from '../../system/process/inbox.ts'
import type { Action, Watch, WatchEvent, WatchSettings } from '../core/state.ts'
import { type Beginning, next, startWatch, wakeAt } from '../core/watch.ts'
import type { TunnelConfig } from '../settings/config.ts'

/**
 * The events heard of a tunnel, and the judgement last made of them. Made before everything that acts on the tunnel and
 * needs none of that: events heard while the rest is still being made are weighed when the loop begins.
 */
export interface Judge {
  /** Takes an event, to be weighed at the next turn. */
  readonly notice: (event: WatchEvent) => void
  /** Takes other settings, or another lifetime of this line's mappings. */
  readonly configure: (config: TunnelConfig) => void
  readonly look: () => JudgeView
  /** Weighs what was heard, and the time. Calls `act` with each action while `look` shows why. It must not throw. */
  readonly iterate: (act: (action: Action) => void) => void
  /** Waits until an event is heard, or time alone changes something. */
  readonly wait: (signal: AbortSignal) => Promise<void>
}

interface JudgeView {
  readonly watch: Watch
  /** There was no turn for longer than intended: this view is old. */
  readonly stale: boolean
}

/** The knowledge of a starting agent. */
interface Start extends Beginning {
  /** The jitter, as in the settings of the watch. */
  readonly jitter: number
  readonly lifeSeconds: () => number | null
}

/** The age from which a view is stale: far more than a turn takes, even on a busy Pi. */
const STALE_MS = 5_000

/** How much later than meant a turn is that was held up: the process was stopped, or the machine slept. */
const HELD_UP_MS = 1_000

/** Heartbeat intervals: metered lines are asked less often, and somebody who uses one is not counted by the second. */
const HEARTBEATS = { economyMs: 25_000, economyInUseMs: 5_000, inUseMs: 1_000 } as const

export function makeJudge(config: TunnelConfig, start: Start, clock: Clock): Judge {
  const inbox = makeInbox<{ readonly event: WatchEvent; readonly at: number }>()
  let watch = startWatch(settingsOf(config, start), start, clock.now())
  let iteratedAt = clock.now()
  let wakesAt = iteratedAt

  function notice(event: WatchEvent): void {
    inbox.put({ event, at: clock.now() })
  }

  function weigh(event: WatchEvent, at: number, act: (action: Action) => void): void {
    const [after, actions] = next(watch, event, at)
    watch = after
    for (const action of actions) act(action)
  }

  return {
    notice,
    configure: (config) => notice({ kind: 'configured', settings: settingsOf(config, start) }),
    look: () => ({ watch, stale: clock.now() > Math.max(wakesAt, iteratedAt) + STALE_MS }),
    iterate: (act) => {
      for (const { event, at } of inbox.drain()) weigh(event, at, act)
      weigh({ kind: 'tick' }, clock.now(), act)
      iteratedAt = clock.now()
      wakesAt = wakeAt(watch)
    },
    wait: async (signal) => {
      const until = wakeAt(watch)
      await inbox.wait(Math.max(0, until - clock.now()), signal)
      // Answers that came meanwhile wait in the sockets, and are heard before the time without them is judged.
      if (clock.now() - until > HELD_UP_MS) await turnedOnce()
    },
  }
}

function settingsOf(config: TunnelConfig, { jitter, lifeSeconds }: Start): WatchSettings {
  return {
    heartbeatMs: config.economy ? HEARTBEATS.economyMs : config.heartbeatSeconds * 1_000,
    inUseMs: config.economy ? HEARTBEATS.economyInUseMs : HEARTBEATS.inUseMs,
    jitter,
    mtu: config.mtu,
    lifeSeconds: lifeSeconds(),
  }
}
