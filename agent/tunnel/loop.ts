import { reasonOf } from '../../problems/problem.ts'
import type { Log } from '../../system/process/log.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import type { TunnelConfig } from '../settings/config.ts'
import type { Remedy } from '../core/ladder.ts'
import type { RegistrationReason } from '../core/evidence/registration.ts'
import type { Action, Told, Watch, WatchEvent } from '../core/state.ts'
import { type HeartbeatSocket, openHeartbeats } from '../probes/heartbeat.ts'
import { heartbeatTarget } from '../probes/heartbeat-target.ts'
import type { Judge } from './judge.ts'

/** The one loop of a tunnel: gather, judge, act, tell. Level-triggered: it can be late, and it can begin anywhere. */
export interface TunnelLoop {
  readonly run: (signal: AbortSignal) => Promise<void>
  /** Takes another configuration, in effect from now on. */
  readonly configure: (config: TunnelConfig) => void
}

type Event<Kind extends WatchEvent['kind']> = Extract<WatchEvent, { kind: Kind }>

/** The effects of the loop. None may throw or block: the loop would stop. Each answers in time, whatever happens. */
export interface LoopEffects {
  readonly register: (reason: RegistrationReason, lastMapping: Endpoint | null) => Promise<Event<'registration-ended'>>
  readonly askEchoes: () => Promise<Event<'echoed'>>
  readonly askSizes: (sizes: readonly number[]) => Promise<Event<'sized'>>
  readonly testUplink: () => Promise<Event<'uplink'>>
  readonly proveTunnel: () => Promise<Event<'tunnel-proof'>>
  readonly remedy: (remedy: Remedy) => Promise<Event<'remedy-ended'>>
  readonly reconcile: () => void
  readonly closeTransport: () => void
  /** @param watch what was known when this became worth telling. */
  readonly record: (action: Told, watch: Watch) => void
}

/** @param isHeld whether a heartbeat that is due is not sent: a drill holds it back. Default: never. */
export function makeLoop(
  config: TunnelConfig,
  judge: Judge,
  effects: LoopEffects,
  log: Log,
  isHeld: () => boolean = () => false,
): TunnelLoop {
  const { notice } = judge
  let target = heartbeatTarget(config)
  let heartbeats = connect()

  function connect(): HeartbeatSocket {
    return openHeartbeats(target, (heard) =>
      notice(
        heard === 'refused'
          ? { kind: 'refused' }
          : { kind: 'answer', sequence: heard.sequence, mapping: heard.endpoint, inUse: heard.inUse, asks: heard.asks },
      ),
    )
  }

  function attempt(action: Action): void {
    try {
      act(action)
    } catch (thrown) {
      // The other actions still run: a registration that is never sent would never end.
      log.error({ action: action.kind, why: reasonOf(thrown) }, 'an action failed')
    }
  }

  function act(action: Action): void {
    switch (action.kind) {
      case 'send-heartbeat':
        return isHeld() ? undefined : heartbeats.send(action.sequence)
      case 'register':
        void effects.register(action.reason, judge.look().watch.ledger.current?.endpoint ?? null).then(notice)
        return
      case 'ask-echoes':
        void effects.askEchoes().then(notice)
        return
      case 'ask-sizes':
        void effects.askSizes(action.sizes).then(notice)
        return
      case 'test-uplink':
        void effects.testUplink().then(notice)
        return
      case 'prove-tunnel':
        void effects.proveTunnel().then(notice)
        return
      case 'remedy':
        void effects.remedy(action.remedy).then(notice)
        return
      case 'reconcile':
        return effects.reconcile()
      case 'close-transport':
        return effects.closeTransport()
      case 'tell-health':
      case 'tell-cause':
      case 'tell-mapping':
      case 'tell-remedy':
        return effects.record(action, judge.look().watch)
      default:
        return action satisfies never
    }
  }

  return {
    configure: (config) => {
      if (JSON.stringify(heartbeatTarget(config)) !== JSON.stringify(target)) {
        target = heartbeatTarget(config)
        heartbeats.close()
        heartbeats = connect()
      }
      judge.configure(config)
    },
    run: async (signal) => {
      while (!signal.aborted) {
        try {
          judge.iterate(attempt)
        } catch (thrown) {
          // Nobody foresaw this. The next turn begins with the state of then; silence would be worse.
          log.error({ why: reasonOf(thrown) }, 'a turn of the loop failed')
          await sleep(1_000, signal)
        }
        await judge.wait(signal)
      }
      heartbeats.close()
    },
  }
}
