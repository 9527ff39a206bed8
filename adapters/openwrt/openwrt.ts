import type { Clock } from '../../system/time/clock.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Adapter } from '../adapter.ts'
import { executing } from '../executing.ts'
import { routerAdapter } from '../router/router-adapter.ts'
import { questionFailed, stepFailed } from '../router/router-errors.ts'
import { probeBoard } from './observe/board.ts'
import { makeChange } from './change/change.ts'
import { makeHeed } from './events/heed.ts'
import { toObservation } from './observe/convert.ts'
import { done, keepConnection } from './ssh/exec.ts'
import { makeLooks } from './observe/calm-look.ts'
import type { OpenwrtObservation } from './observe/observation.ts'
import { installWireguard, restartNetwork } from './observe/packages.ts'
import { planOpenwrt } from './plan.ts'
import { isFirewallWhole } from './plan-firewall.ts'
import { executeRepair } from './repair.ts'
import type { StagedStep } from './change/stage.ts'
import { OPENWRT_STEPS, type OpenwrtStep } from './steps.ts'
import type { RouterAccess } from './ssh/ssh.ts'
import { wgSetPeer } from './uci/wg-set.ts'

export interface OpenwrtAdapterOptions extends RouterAccess {
  /** Reads the private half of the tunnel's key. */
  readonly privateKey: (publicKey: string) => Promise<string>
  readonly clock: Clock
  /** How long the router waits to be told to keep a change. Default: 90. */
  readonly rollbackSeconds?: number
}

/** How long a change may wait to be kept: enough for a proof of the tunnel, and short enough to wait out. */
const ROLLBACK_SECONDS = 90

/** A firewall that is gone is looked at again after this: `fw4 restart` stops it first, and that is no drift. */
const FIREWALL_RESTART_MS = 1_000

/** The adapter for an OpenWrt router of 22.03 or later, over SSH. */
export function openwrtAdapter(options: OpenwrtAdapterOptions): Adapter {
  const { host, clock, privateKey, rollbackSeconds = ROLLBACK_SECONDS } = options
  const connection = keepConnection(options, clock)
  const change = makeChange({ host, connection, clock, privateKey })
  const heed = makeHeed(connection)
  const looks = makeLooks(connection.ask, heed, clock)
  let model: string | null = null

  async function observe(signal: AbortSignal, pace?: 'calm'): Promise<OpenwrtObservation> {
    let seen = await looks[pace ?? 'all'](signal)
    if (await change.recover(seen, signal)) seen = await looks.all(signal)
    const observed = toObservation(seen, clock.wall().getTime() / 1_000)
    if (isFirewallWhole(observed)) return observed
    await sleep(FIREWALL_RESTART_MS, signal)
    return toObservation(await looks.all(signal), clock.wall().getTime() / 1_000)
  }

  async function execute(step: OpenwrtStep, signal: AbortSignal): Promise<void> {
    switch (step.kind) {
      case 'install-wireguard':
        return installWireguard(connection.exec, signal)
      case 'restart-network':
        return restartNetwork(connection, signal)
      case 'arm-rollback':
        return change.arm(step.interfaces, step.seconds, signal)
      case 'activate-changes':
        return change.activate(signal)
      case 'keep-changes':
        return change.keep(signal)
      case 'revert-changes':
        return change.revert(signal)
      default:
        return change.isArmed() ? change.gather(step) : alone(step, signal)
    }
  }

  /** Executes a step outside of any plan. A peer's endpoint is only for the moment, and is not written to flash. */
  async function alone(step: StagedStep, signal: AbortSignal): Promise<void> {
    if (step.kind === 'set-peers') {
      await done(connection.exec, step.peers.map((peer) => wgSetPeer(step.interface, peer)).join(' && '), { signal })
      return
    }
    if (!('interface' in step)) throw new TypeError(`the step ${step.kind} belongs into a plan`)
    await change.arm([step.interface], rollbackSeconds, signal)
    try {
      change.gather(step)
      await change.activate(signal)
      await change.keep(signal)
    } catch (thrown) {
      // Changes that can't be undone now, the router undoes by itself.
      await change.revert(signal).catch(() => undefined)
      throw thrown
    }
  }

  return routerAdapter({
    host,
    name: () => (model === null ? host : `${model} (${host})`),
    reachedAt: () => connection.ends()?.remote ?? null,
    describe: async (signal) => {
      const description = await probeBoard(connection.ask, signal)
      model = description.model
      return description
    },
    observe,
    plan: (observed, desired, reached) => planOpenwrt(observed, desired, { host: reached, rollbackSeconds }),
    execute: executing(OPENWRT_STEPS, execute),
    remedy: (remedy, signal) => executeRepair(remedy, connection.exec, signal),
    follow: heed.follow,
    close: () => {
      change.close()
      connection.close()
    },
    stepFailed,
    questionFailed,
  })
}
