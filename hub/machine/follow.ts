import type { Adapter } from '../../adapters/adapter.ts'
import type { OpenPort, TunnelSpec } from '../../adapters/spec.ts'
import { describeStep } from '../../adapters/describe-step.ts'
import { asProblem, Problem } from '../../problems/problem.ts'
import type { Log } from '../../system/process/log.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { Principal } from '../core/devices.ts'
import { forwardedPorts } from '../core/forwarded-ports.ts'
import type { Home } from '../core/store-document.ts'
import type { LastEndpoints } from '../presence/kept/last-endpoints.ts'
import type { PeerMonitor } from '../presence/peer-monitor.ts'
import type { Settings } from '../settings/settings.ts'
import type { Store } from '../store/store.ts'
import { closedNotes } from './ports/closed-ports.ts'
import { desiredTunnel } from './desired.ts'
import { makeReconciler, type Reconciler } from './reconciler.ts'
import { freeAlternatePorts } from './ports/served-ports.ts'
import { makeSessions, type Sessions } from './sessions.ts'
import type { KeptPortsOf, PortYield } from './ports/kept-ports.ts'

/** Makes the hub's machine follow the document and the settings: interface, peers, firewall, sessions. */
export interface Follow extends Pick<Reconciler, 'reconcile' | 'alone'>, Pick<Sessions, 'isComplete' | 'followKey'> {
  /** Reconciles for timers and homes: a problem goes to the log, and the next time tries again. Never throws. */
  readonly reconcileOrLog: () => Promise<void>
  /**
   * Reconciles for a principal: the hub's owner is told when that failed; for a home it is tried again soon.
   * @param done the part that the store has already.
   * @throws {Problem} to the owner.
   */
  readonly follow: (principal: Principal, done: string) => Promise<void>
  /** The problem of the last run; null when everything is in place. */
  readonly problem: Problem | null
  /** Warnings of the last run; where none has ended, as without a daemon, those of a run now. */
  readonly warnings: () => Promise<readonly string[]>
  /** Facts for people that hinder nothing. Never throws. */
  readonly notes: () => Promise<readonly string[]>
  /** The alternate ports that the last run took. */
  readonly alternatePorts: readonly number[]
  /** The alternate ports that a run would take now. */
  readonly portsToTake: () => Promise<readonly number[]>
  /** Notices programs of this machine at published ports, SSH servers first; publications yield to them. Never throws. */
  readonly lookForSsh: () => Promise<void>
  /** Recovers lost sessions. Never throws. */
  readonly recoverSessions: () => Promise<void>
  /** Lets the home's peer begin again. False: that was done a moment ago. */
  readonly resetPeer: (home: Home) => Promise<boolean>
  /** Waits for the runs under way. */
  readonly settled: () => Promise<void>
}

export interface FollowDeps {
  readonly settings: Pick<Settings, 'current'>
  /** Read at each run: a hand-over changes it. */
  readonly identity: { readonly publicKey: PublicKey }
  readonly store: Pick<Store, 'document'>
  readonly adapter: Adapter
  readonly peerMonitor: PeerMonitor
  readonly lastEndpoints: LastEndpoints
  readonly servedPorts: (protocol: 'tcp' | 'udp') => Promise<ReadonlySet<number>>
  readonly ssh: Pick<KeptPortsOf, 'kept' | 'look' | 'lookFor'>
  /** Ports of this machine that were asked for and are closed. Default: nobody knows. */
  readonly closedPortsAsked?: () => Promise<readonly OpenPort[]>
  /** Hears of published ports that were left to programs of this machine, or lead home again. Default: nobody does. */
  readonly onYield?: (changes: readonly PortYield[]) => void
  /** Sends a datagram into the tunnel to each of these addresses. */
  readonly triggerHandshakes: (addresses: readonly string[]) => void
  readonly clock: Clock
  readonly log: Log
}

const LOOK_TIMEOUT_MS = 10_000
const FORGET_TIMEOUT_MS = 10_000

export function makeFollow(deps: FollowDeps): Follow {
  const { settings, identity, store, adapter, peerMonitor, ssh, log } = deps
  let alternatePorts: readonly number[] = []
  let keptBefore = ssh.kept()
  const sessions = makeSessions({ ...deps, interfaceName: () => settings.current.interface })
  const reconciler = makeReconciler({
    adapter,
    desired,
    onStep: (step) => {
      log.info({ step: step.kind }, describeStep(step))
      if (step.kind === 'set-peers') sessions.beginAnew(step.peers)
    },
  })

  async function desired(): Promise<TunnelSpec> {
    alternatePorts = await portsToTake()
    // What WireGuard learned must not be replaced by what is remembered: the monitor looks just before.
    await peerMonitor.look()
    const { publicKey } = identity
    return desiredTunnel(settings.current, publicKey, store.document, alternatePorts, sessions.placeOf, ssh.kept())
  }

  async function portsToTake(): Promise<readonly number[]> {
    const published = forwardedPorts(store.document.publications, ssh.kept()).ports.filter(
      ({ protocol }) => protocol === 'udp',
    )
    const served = await deps.servedPorts('udp')
    const taken = settings.current.alternatePorts.filter((one) =>
      published.some(({ port, lastPort = port }) => one >= port && one <= lastPort),
    )
    return freeAlternatePorts(settings.current, new Set([...served, ...taken]))
  }

  async function reconcileOrLog(): Promise<void> {
    const before = reconciler.problem?.message
    const warned = reconciler.warnings ?? []
    try {
      await reconciler.reconcile()
      for (const warning of reconciler.warnings ?? []) if (!warned.includes(warning)) log.warn(warning)
      if (before !== undefined) log.info('interface and firewall are as they should be again')
    } catch (thrown) {
      const { code, message } = asProblem(thrown, 'reconciling')
      // Tried again every half minute, and logged once, until it changes.
      if (message !== before) log.error({ code }, message)
    }
  }

  function logYield({ protocol, port, to, program }: PortYield): void {
    if (to === 'home') log.info({ protocol, port }, 'no program listens there any more: the published port leads home')
    else
      log.warn(
        { protocol, port, program },
        'a program of this machine listens at a published port since: its visitors come to that program, and not home',
      )
  }

  async function reconcileFor(done: string): Promise<void> {
    try {
      await reconciler.reconcile()
    } catch (thrown) {
      const { code, what, why, next } = asProblem(thrown, 'reconciling')
      throw new Problem(code, { what, why: `${done}, but the machine did not follow: ${why}`, next, cause: thrown })
    }
  }

  return {
    reconcile: reconciler.reconcile,
    alone: reconciler.alone,
    settled: reconciler.settled,
    isComplete: sessions.isComplete,
    followKey: sessions.followKey,
    reconcileOrLog,
    portsToTake,
    follow: (principal, done) => (principal === null ? reconcileFor(done) : reconcileOrLog()),
    get problem() {
      return reconciler.problem
    },
    get alternatePorts() {
      return alternatePorts
    },

    warnings: async () => {
      if (reconciler.warnings !== null) return reconciler.warnings
      try {
        const observed = await adapter.observe(AbortSignal.timeout(LOOK_TIMEOUT_MS))
        return adapter.plan(observed, [await desired()]).warnings
      } catch {
        // A machine that cannot be observed has a problem, which reconciling reports.
        return []
      }
    },

    notes: async () => {
      const asked = (await deps.closedPortsAsked?.()) ?? []
      if (asked.length === 0) return []
      const [tcp, udp] = await Promise.all([deps.servedPorts('tcp'), deps.servedPorts('udp')])
      return closedNotes(asked, { tcp, udp })
    },

    lookForSsh: async () => {
      await ssh.look()
      const changes = await ssh.lookFor(store.document.publications)
      for (const change of changes) logYield(change)
      if (ssh.kept() === keptBefore) return
      keptBefore = ssh.kept()
      await reconcileOrLog()
      if (changes.length > 0) deps.onYield?.(changes)
    },

    recoverSessions: async () => {
      await sessions.noteEndpoints()
      await reconciler.alone(sessions.recoverSessions)
    },

    resetPeer: async (home) => {
      const step = sessions.forget(home)
      if (step === null) return false
      await reconciler.alone(() => adapter.execute(step, AbortSignal.timeout(FORGET_TIMEOUT_MS)))
      await reconcileOrLog()
      await peerMonitor.look()
      return true
    },
  }
}
