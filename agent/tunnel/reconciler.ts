import type { Adapter } from '../../adapters/adapter.ts'
import type { Step } from '../../adapters/step.ts'
import { routerTroubleOf } from '../../adapters/router-trouble.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import type { ProblemCode } from '../../problems/catalogue.ts'
import { Problem } from '../../problems/problem.ts'
import type { Log } from '../../system/process/log.ts'
import type { Clock } from '../../system/time/clock.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { BeforeConfirm } from './plan/before-confirm.ts'
import { type AppliedTunnel, applyTunnel } from './plan/apply-tunnel.ts'
import { withChangeLock } from '../settings/change-lock.ts'
import type { ClockGuard } from '../memory/clock-guard.ts'
import type { TunnelConfig } from '../settings/config.ts'
import type { NewEvent } from '../memory/events.ts'
import { type ReconcileLoop, makeReconcileLoop } from './reconcile-loop.ts'
import { makeLocalNetworks } from '../lan/local-networks.ts'
import { isAnswered, LIVING } from '../probes/first-answer.ts'
import type { UplinkMemory } from '../memory/uplink-memory.ts'
import type { Carries } from './plan/carries.ts'
import type { Judge } from './judge.ts'
import { isOnTransport, noteNamed, type Path } from './plan/path.ts'
import type { AgentPaths } from '../settings/paths.ts'

/** Keeps this machine as the plan wants it, and the path known. */
export interface Reconciler {
  readonly reconcileLoop: ReconcileLoop
  /** Applies once, under the lock. @throws {Problem} */
  readonly apply: (signal: AbortSignal) => Promise<readonly Step[]>
  /** Warnings of the last apply. An agent that has just begun is given time for its first. */
  readonly warnings: () => Promise<readonly string[]>
  /** The next look's repair is a change that we want, and no drift. */
  readonly expectChange: () => void
}

export interface ReconcilerDeps {
  readonly paths: AgentPaths
  readonly adapter: Adapter
  /** The configuration of this moment. */
  readonly config: () => TunnelConfig
  readonly uplink: UplinkMemory
  readonly path: Path
  readonly clockGuard: ClockGuard
  /** As in `HomeTunnel`. */
  readonly isDark: () => boolean
  readonly carries: Carries
  /** Hooks that run before a router keeps the change. */
  readonly beforeConfirm: BeforeConfirm
  readonly look: Judge['look']
  /** Takes the LAN that this machine is in now, where agent.yaml says `auto`. Never throws. */
  readonly followLan: () => Promise<void>
  readonly notice: Judge['notice']
  readonly note: (event: NewEvent) => void
  /** Tells whether the router that the tunnel ends on lets us in. */
  readonly routerAnswered: (answered: boolean) => void
  readonly clock: Clock
  readonly log: Log
}

/** Problems of a router whose owner is about to change something: a repair that writes waits for that. */
const WAITING: readonly ProblemCode[] = ['router-changes-pending', 'router-apply-unconfirmed']

/** How much later an answer must come to be one from the new address: an earlier one may still be on its way. */
const PROVEN_MS = 1_000

/** How long the first look at this machine is waited for; it takes less, unless its clock must be waited for. */
const FIRST_LOOK_MS = 2_000

export function makeReconciler(deps: ReconcilerDeps): Reconciler {
  const {
    paths,
    adapter,
    config,
    uplink,
    path,
    clockGuard,
    beforeConfirm,
    look: judged,
    notice,
    note,
    clock,
    log,
  } = deps
  const { stateDir, runtimeDir } = paths
  const localNetworks = makeLocalNetworks(clock)
  /** The configuration for which the machine was last found or made right. */
  let settled: TunnelConfig | null = null
  /** The last look learned where the hub answers, which the firewall may name. */
  let isLearned = false
  let isDescribed = false
  /** Warnings about the machine that are in the log already. */
  let said: readonly string[] = []
  let looked = (): void => undefined
  /** The address to which the interface sends, and since when as far as is known. */
  let proving: { readonly address: string; readonly since: number } | null = null
  const firstLook = new Promise<void>((resolve) => {
    looked = resolve
  })

  /** An interface was moved to somewhere else by somebody, or WireGuard followed the hub there: heartbeats tell. */
  async function isLiving(signal: AbortSignal): Promise<boolean> {
    const { health, heartbeats } = judged().watch
    const isDoubtful = (health.kind !== 'up' && health.kind !== 'starting') || heartbeats.missesInARow > 1
    return !isDoubtful && (await isAnswered(config(), LIVING, signal, deps.carries))
  }

  /** Remembers where the hub answers, once it has answered since the interface sends there. */
  async function noteProven(): Promise<void> {
    const { endpoint } = path
    if (endpoint === null || isOnTransport(path)) proving = null
    else if (proving === null || proving.address !== endpoint.address)
      proving = { address: endpoint.address, since: clock.now() }
    const { health, heartbeats } = judged().watch
    if (proving === null || health.kind !== 'up' || proving.address === path.provenAddress) return
    if ((heartbeats.answeredAt ?? 0) < proving.since + PROVEN_MS) return
    path.provenAddress = proving.address
    isLearned = true
    const lost = await uplink.change({ provenHub: { publicKey: config().hub.publicKey, address: proving.address } })
    if (lost !== null) log.warn({ why: lost }, 'where the hub answers could not be written down')
  }

  /** Asked while nothing is in doubt: a router is spared what costs it much. */
  const calmly: Adapter = { ...adapter, observe: (signal) => adapter.observe(signal, 'calm') }

  const isCalm = (): boolean => {
    const { health, heartbeats, remediation } = judged().watch
    return (
      settled === config() && health.kind === 'up' && heartbeats.missesInARow === 0 && remediation.underWay === null
    )
  }

  const isUp = async (signal: AbortSignal): Promise<boolean> =>
    tunnelIn(await adapter.observe(signal), config().interface)?.up === true

  const beforeStep: BeforeConfirm['beforeStep'] = async (step, signal) => {
    if (step.kind === 'create-interface' || step.kind === 'set-listen-port') notice({ kind: 'remaking' })
    await beforeConfirm.beforeStep(step, signal)
  }

  async function applied(signal: AbortSignal): Promise<Pick<AppliedTunnel, 'steps' | 'lastHandshakeAt'>> {
    // A router shakes hands by its own clock.
    if (config().router.kind === 'linux') await clockGuard.hold(() => isUp(signal), signal)
    const { steps, peer, hubLiterals, listenPort, visitors, outgoing, warnings, lastHandshakeAt } =
      await withChangeLock(runtimeDir, signal, async () => {
        // The path is read under the lock: while the lock was waited for, the tunnel may have got another key.
        const { transport, hubLiterals, start } = path
        const tunnel = {
          adapter: isCalm() ? calmly : adapter,
          config: config(),
          stateDir,
          uplink: uplink.current,
          transport: transport?.endpoint ?? null,
          isDark: deps.isDark(),
          start,
          isLiving,
          localNetworks,
        }
        const wanted = hubLiterals === null ? tunnel : { ...tunnel, hubLiterals }
        const brought = await applyTunnel(wanted, signal, { ...beforeConfirm, beforeStep })
        // The router kept the change, and the agent was killed before anybody was told.
        if (brought.publicKey !== null && brought.steps.length === 0)
          await beforeConfirm.keyFound(brought.publicKey, signal)
        return brought
      })
    for (const warning of warnings.filter((one) => !said.includes(one))) log.warn(warning)
    said = warnings
    const seen = peer === null ? {} : { endpoint: peer.endpoint, keepaliveSeconds: peer.keepaliveSeconds }
    Object.assign(path, { listenPort, visitors, outgoing, start: null }, seen)
    // A round of echoes may have resolved the names while the machine was looked at: it knows better.
    noteNamed(path, path.hubLiterals ?? hubLiterals)
    await noteProven()
    return { steps, lastHandshakeAt }
  }

  /** Asks the router once what it is capable of; one that does not answer is asked again the next time. */
  async function describeOnce(signal: AbortSignal): Promise<void> {
    if (isDescribed) return
    const { remedies } = await adapter.describe(signal)
    isDescribed = true
    notice({ kind: 'described', canForgetFlow: remedies.includes('forget-flow') })
  }

  async function look(signal: AbortSignal): Promise<readonly Step[]> {
    await deps.followLan()
    const wanted = config()
    let driftRepaired = false
    let isGone = false
    let handshake: { readonly handshakeAt?: number | null } = {}
    try {
      const { steps, lastHandshakeAt } = await applied(signal)
      handshake = { handshakeAt: lastHandshakeAt }
      await describeOnce(signal)
      deps.routerAnswered(true)
      // Changes of the first look and of a new configuration are no drift.
      driftRepaired = settled === wanted && steps.length > 0
      settled = isLearned ? null : wanted
      isLearned = false
      return steps
    } catch (thrown) {
      if (thrown instanceof Problem && !signal.aborted && routerTroubleOf(thrown.code) !== null)
        deps.routerAnswered(false)
      if (thrown instanceof Problem && WAITING.includes(thrown.code))
        isGone = settled === wanted && !(await isUp(signal))
      throw thrown
    } finally {
      looked()
      notice({ kind: 'looked', driftRepaired, isGone, ...handshake })
    }
  }

  return {
    apply: async (signal) => (await applied(signal)).steps,
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
