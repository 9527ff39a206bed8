import { reasonOf } from '../problems/problem.ts'
import type { Clock } from '../system/clock.ts'
import type { Log } from '../system/log.ts'
import { sleep } from '../system/sleep.ts'
import type { Endpoint } from '../wireguard/spec.ts'
import { type AgentConfig, firstHub } from './config.ts'
import type { RemedyKind } from './core/cure.ts'
import type { Ledger } from './core/ledger.ts'
import type { RegistrationReason } from './core/registration.ts'
import { type Action, next, startWatch, wakeAt, type Watch, type WatchEvent } from './core/watch.ts'
import { type HeartbeatSocket, openHeartbeats } from './heartbeat.ts'
import { makeInbox } from './inbox.ts'

/** The one loop of a tunnel: gather, judge, act, tell. Level-triggered: it can be late, and it can begin anywhere. */
export interface TunnelLoop {
  readonly run: (signal: AbortSignal) => Promise<void>
  /** Another configuration, from now on. */
  readonly configure: (config: AgentConfig) => void
  readonly look: () => LoopView
}

interface LoopView {
  readonly watch: Watch
  /** The loop has not turned for longer than it meant to sleep: what it says is old. */
  readonly stale: boolean
}

/** What the loop acts through. None of them may throw or wait: the loop would stop turning. */
export interface LoopHands {
  /** Answers how it went, whatever happens. */
  readonly register: (
    reason: RegistrationReason,
    lastMapping: Endpoint | null,
  ) => Promise<Extract<WatchEvent, { kind: 'registration-ended' }>>
  readonly restore: () => void
  /** Says whether it could be carried out, whatever happens. */
  readonly remedy: (kind: RemedyKind) => Promise<Extract<WatchEvent, { kind: 'remedy-ended' }>>
  readonly tell: (action: Extract<Action, { kind: 'tell-health' | 'tell-mapping' | 'tell-remedy' }>) => void
}

/** Far more than a turn takes, even on a busy Pi. */
const STALE_MS = 5_000

export function makeLoop(
  config: AgentConfig,
  start: { readonly ledger: Ledger; readonly firstSequence: number; readonly spread: number },
  hands: LoopHands,
  clock: Clock,
  log: Log,
): TunnelLoop {
  const inbox = makeInbox<{ readonly event: WatchEvent; readonly at: number }>()
  const settings = (from: AgentConfig) => ({ heartbeatMs: from.heartbeatSeconds * 1_000, spread: start.spread })
  let watch = startWatch(settings(config), start.ledger, start.firstSequence, clock.now())
  let target = targetOf(config)
  let heartbeats = connect()
  let turnedAt = clock.now()
  let wakesAt = turnedAt

  function connect(): HeartbeatSocket {
    return openHeartbeats(target, (answer) =>
      put({ kind: 'answer', sequence: answer.sequence, mapping: answer.endpoint }),
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
      case 'restore':
        return hands.restore()
      case 'remedy':
        void hands.remedy(action.remedy).then(put)
        return
      case 'tell-health':
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
      if (JSON.stringify(targetOf(config)) !== JSON.stringify(target)) {
        target = targetOf(config)
        heartbeats.close()
        heartbeats = connect()
      }
      put({ kind: 'configured', settings: settings(config) })
    },
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

function targetOf(config: AgentConfig) {
  const { address, hubAddress, heartbeatPort } = firstHub(config)
  return { from: address, hubAddress, port: heartbeatPort }
}
