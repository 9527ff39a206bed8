import { reasonOf } from '../../problems/problem.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import type { AgentConfig } from '../settings/config.ts'
import type { Remedy } from '../core/ladder.ts'
import type { RegistrationReason } from '../core/registration.ts'
import type { Action, Watch, WatchEvent, WatchSettings } from '../core/state.ts'
import { type Beginning, next, startWatch, wakeAt } from '../core/watch.ts'
import { type HeartbeatSocket, openHeartbeats } from '../probes/heartbeat.ts'
import { heartbeatTarget } from '../probes/heartbeat-target.ts'
import { makeInbox } from '../../system/process/inbox.ts'

/** The one loop of a tunnel: gather, judge, act, tell. Level-triggered: it can be late, and it can begin anywhere. */
export interface TunnelLoop {
  readonly run: (signal: AbortSignal) => Promise<void>
  /** Another configuration, from now on. */
  readonly configure: (config: AgentConfig) => void
  /** What the shell found out by itself. */
  readonly notice: (event: Extract<WatchEvent, { kind: 'looked' | 'described' | 'carrier-lost' }>) => void
  readonly look: () => LoopView
}

interface LoopView {
  readonly watch: Watch
  /** The loop has not turned for longer than it meant to sleep: what it says is old. */
  readonly stale: boolean
}

type Event<Kind extends WatchEvent['kind']> = Extract<WatchEvent, { kind: Kind }>
export type Told = Extract<Action, { kind: 'tell-health' | 'tell-cause' | 'tell-mapping' | 'tell-remedy' }>

/** What the loop acts through. None of them may throw or wait: the loop would stop turning. Each answers in time, whatever happens. */
export interface LoopHands {
  readonly register: (reason: RegistrationReason, lastMapping: Endpoint | null) => Promise<Event<'registration-ended'>>
  readonly askEchoes: () => Promise<Event<'echoed'>>
  readonly askSizes: (sizes: readonly number[]) => Promise<Event<'sized'>>
  readonly testUplink: () => Promise<Event<'uplink'>>
  readonly remedy: (remedy: Remedy) => Promise<Event<'remedy-ended'>>
  readonly restore: () => void
  readonly closeCarrier: () => void
  readonly tell: (action: Told) => void
}

/** Far more than a turn takes, even on a busy Pi. */
const STALE_MS = 5_000

/** Metered lines are asked less often, and somebody who uses one is not counted by the second. */
const HEARTBEATS = { economyMs: 25_000, economyInUseMs: 5_000, inUseMs: 1_000 } as const

export function makeLoop(
  config: AgentConfig,
  start: Beginning & { readonly spread: number; readonly lifeSeconds: () => number | null },
  hands: LoopHands,
  clock: Clock,
  log: Log,
): TunnelLoop {
  const inbox = makeInbox<{ readonly event: WatchEvent; readonly at: number }>()
  const settings = (from: AgentConfig) => settingsOf(from, start.spread, start.lifeSeconds())
  let watch = startWatch(settings(config), start, clock.now())
  let target = heartbeatTarget(config)
  let heartbeats = connect()
  let turnedAt = clock.now()
  let wakesAt = turnedAt

  function connect(): HeartbeatSocket {
    return openHeartbeats(target, (heard) =>
      put(
        heard === 'refused'
          ? { kind: 'refused' }
          : { kind: 'answer', sequence: heard.sequence, mapping: heard.endpoint, inUse: heard.inUse, asks: heard.asks },
      ),
    )
  }

  function put(event: WatchEvent): void {
    inbox.put({ event, at: clock.now() })
  }

  function take(event: WatchEvent, at: number): void {
    const [after, actions] = next(watch, event, at)
    watch = after
    for (const action of actions) {
      try {
        act(action)
      } catch (thrown) {
        // The others are none the worse for it: a registration that is never sent would never end.
        log.error({ action: action.kind, why: reasonOf(thrown) }, 'an action failed')
      }
    }
  }

  function act(action: Action): void {
    switch (action.kind) {
      case 'send-heartbeat':
        return heartbeats.send(action.sequence)
      case 'register':
        void hands.register(action.reason, watch.ledger.current?.endpoint ?? null).then(put)
        return
      case 'ask-echoes':
        void hands.askEchoes().then(put)
        return
      case 'ask-sizes':
        void hands.askSizes(action.sizes).then(put)
        return
      case 'test-uplink':
        void hands.testUplink().then(put)
        return
      case 'remedy':
        void hands.remedy(action.remedy).then(put)
        return
      case 'restore':
        return hands.restore()
      case 'close-carrier':
        return hands.closeCarrier()
      case 'tell-health':
      case 'tell-cause':
      case 'tell-mapping':
      case 'tell-remedy':
        return hands.tell(action)
      default:
        return action satisfies never
    }
  }

  function turn(): void {
    for (const { event, at } of inbox.drain()) take(event, at)
    take({ kind: 'tick' }, clock.now())
    turnedAt = clock.now()
    wakesAt = wakeAt(watch)
  }

  return {
    configure: (config) => {
      if (JSON.stringify(heartbeatTarget(config)) !== JSON.stringify(target)) {
        target = heartbeatTarget(config)
        heartbeats.close()
        heartbeats = connect()
      }
      put({ kind: 'configured', settings: settings(config) })
    },
    notice: put,
    look: () => ({ watch, stale: clock.now() > Math.max(wakesAt, turnedAt) + STALE_MS }),
    run: async (signal) => {
      while (!signal.aborted) {
        try {
          turn()
        } catch (thrown) {
          // Nobody foresaw it. The next turn begins with what there is then; silence would be worse.
          log.error({ why: reasonOf(thrown) }, 'a turn of the loop failed')
          await sleep(1_000, signal)
        }
        await inbox.wait(Math.max(0, wakeAt(watch) - clock.now()), signal)
      }
      heartbeats.close()
    },
  }
}

function settingsOf(config: AgentConfig, spread: number, lifeSeconds: number | null): WatchSettings {
  return {
    heartbeatMs: config.economy ? HEARTBEATS.economyMs : config.heartbeatSeconds * 1_000,
    inUseMs: config.economy ? HEARTBEATS.economyInUseMs : HEARTBEATS.inUseMs,
    spread,
    mtu: config.mtu,
    lifeSeconds,
  }
}
