import type { Adapter } from '../../adapters/adapter.ts'
import type { Step } from '../../adapters/step.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import type { ProblemCode } from '../../problems/catalogue.ts'
import { Problem } from '../../problems/problem.ts'
import type { Log } from '../../system/process/log.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { BeforeConfirm } from './before-confirm.ts'
import { applyTunnel } from './apply-tunnel.ts'
import { withChangeLock } from '../settings/change-lock.ts'
import type { ClockGuard } from '../memory/clock-guard.ts'
import type { TunnelConfig } from '../settings/config.ts'
import type { NewEvent } from '../memory/events.ts'
import { type ReconcileLoop, makeReconcileLoop } from './reconcile-loop.ts'
import type { UplinkMemory } from '../memory/uplink-memory.ts'
import type { Judge } from './judge.ts'
import type { Path } from './path.ts'
import type { AgentPaths } from '../settings/paths.ts'

/** Keeps this machine as the plan wants it, and the path known. */
export interface Reconciler {
  readonly reconcileLoop: ReconcileLoop
  /** Once, under the lock. @throws {Problem} */
  readonly apply: (signal: AbortSignal) => Promise<readonly Step[]>
  /** What hindered the last bringing and did not stop it. An agent that has just begun is given time for its first. */
  readonly warnings: () => Promise<readonly string[]>
  /** What the next look repairs is wanted by us, and no drift. */
  readonly expectChange: () => void
}

export interface ReconcilerDeps {
  readonly paths: AgentPaths
  readonly adapter: Adapter
  /** Of the moment. */
  readonly config: () => TunnelConfig
  readonly uplink: UplinkMemory
  readonly path: Path
  readonly clockGuard: ClockGuard
  /** Before a router keeps what was changed. */
  readonly beforeConfirm: BeforeConfirm
  readonly notice: Judge['notice']
  readonly note: (event: NewEvent) => void
  /** Whether the router that the tunnel ends on lets us in. */
  readonly routerAnswered: (answered: boolean) => void
  readonly log: Log
}

/** What is said of a router that is not there, or lets nobody in. */
const SILENCE: readonly ProblemCode[] = ['router-unreachable', 'router-timeout', 'router-login-refused']

/** The first look at this machine takes less, unless its clock must be waited for. */
const FIRST_LOOK_MS = 2_000

export function makeReconciler(deps: ReconcilerDeps): Reconciler {
  const { paths, adapter, config, uplink, path, clockGuard, beforeConfirm, notice, note, log } = deps
  const { stateDir, runtimeDir } = paths
  /** For which configuration the machine was last found or made right. */
  let settled: TunnelConfig | null = null
  let isDescribed = false
  /** Sentences about the machine that stand in the log already. */
  let said: readonly string[] = []
  let looked = (): void => undefined
  const firstLook = new Promise<void>((resolve) => {
    looked = resolve
  })

  async function apply(signal: AbortSignal): Promise<readonly Step[]> {
    const isUp = async () => tunnelIn(await adapter.observe(signal), config().interface)?.up === true
    // A router shakes hands by its own clock.
    if (config().router.kind === 'linux') await clockGuard.hold(isUp, signal)
    const { steps, peer, hubLiterals, listenPort, visitors, warnings } = await withChangeLock(
      runtimeDir,
      signal,
      async () => {
        // What is so under the lock: while it was waited for, the tunnel may have got another key.
        const { transport, hubLiterals } = path
        const tunnel = {
          adapter,
          config: config(),
          stateDir,
          uplink: uplink.current,
          transport: transport?.endpoint ?? null,
        }
        const wanted = hubLiterals === null ? tunnel : { ...tunnel, hubLiterals }
        const brought = await applyTunnel(wanted, signal, beforeConfirm)
        // Kept, and then we were killed before anybody was told.
        if (brought.publicKey !== null && brought.steps.length === 0)
          await beforeConfirm.keyFound(brought.publicKey, signal)
        return brought
      },
    )
    for (const warning of warnings.filter((one) => !said.includes(one))) log.warn(warning)
    said = warnings
    const seen = peer === null ? {} : { endpoint: peer.endpoint, keepaliveSeconds: peer.keepaliveSeconds }
    Object.assign(path, { hubLiterals, listenPort, visitors }, seen)
    return steps
  }

  /** A router that does not answer says it the next time. */
  async function describeOnce(signal: AbortSignal): Promise<void> {
    if (isDescribed) return
    const { remedies } = await adapter.describe(signal)
    isDescribed = true
    notice({ kind: 'described', canForgetFlow: remedies.includes('forget-flow') })
  }

  async function look(signal: AbortSignal): Promise<readonly Step[]> {
    const wanted = config()
    let driftRepaired = false
    try {
      const steps = await apply(signal)
      await describeOnce(signal)
      deps.routerAnswered(true)
      // What the first look and a new configuration change is no drift.
      driftRepaired = settled === wanted && steps.length > 0
      settled = wanted
      return steps
    } catch (thrown) {
      if (thrown instanceof Problem && SILENCE.includes(thrown.code)) deps.routerAnswered(false)
      throw thrown
    } finally {
      looked()
      notice({ kind: 'looked', driftRepaired })
    }
  }

  return {
    apply,
    warnings: async () => {
      const enough = new AbortController()
      await Promise.race([firstLook, sleep(FIRST_LOOK_MS, enough.signal)])
      enough.abort()
      return said
    },
    reconcileLoop: makeReconcileLoop(look, note, log),
    expectChange: () => {
      settled = null
    },
  }
}
