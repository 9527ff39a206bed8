import { randomInt } from 'node:crypto'
import type { Adapter } from '../../adapters/adapter.ts'
import type { Problem } from '../../problems/problem.ts'
import type { IncidentAnswer, IncidentReport } from '../../protocol/incidents.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { makeMutex } from '../../system/process/mutex.ts'
import { isDark } from '../core/evidence/health.ts'
import { isAtAnotherAddress, ledgerFrom } from '../core/evidence/ledger.ts'
import { isUnknownAtHub } from '../core/unknown-home.ts'
import type { ClockGuard } from '../memory/clock-guard.ts'
import type { EventLog } from '../memory/event-log.ts'
import type { NewEvent } from '../memory/events.ts'
import type { UplinkMemory } from '../memory/uplink-memory.ts'
import { makeHeardFromHub, type TakeChannels } from './heard.ts'
import { watchNetworks } from '../lan/network-watch.ts'
import { makeLifetimeWatch } from '../probes/lifetime-watch.ts'
import { measureBindingLifetime } from '../probes/binding-lifetime.ts'
import type { Registering } from '../registrar/registration.ts'
import { tellIncidents } from '../registrar/tell-incidents.ts'
import { type KeyFileWatch, makeKeyFileWatch } from '../rotation/key-file.ts'
import { rotateKey, settleRotation } from '../rotation/key-rotation.ts'
import { makeKeyRotations } from '../rotation/rotate-keys.ts'
import { rotateSecret } from '../rotation/secret-rotation.ts'
import { followRouterKey } from '../rotation/router-key.ts'
import { followLan } from './settings/follow-lan.ts'
import { readEchoKey } from '../secrets/secrets.ts'
import type { TunnelConfig } from '../settings/config.ts'
import type { AgentPaths } from '../settings/paths.ts'
import { makeBeforeConfirm } from './plan/before-confirm.ts'
import { makeCarries } from './plan/carries.ts'
import { makeEffects, type EventRecorder } from './effects.ts'
import { type DrillActs, makeDrillActs } from './drill-acts.ts'
import { endTransport } from './end-transport.ts'
import { followMachine } from './follow-machine.ts'
import { type Judge, makeJudge } from './judge.ts'
import { makeLoop } from './loop.ts'
import { makeNamedServices, movePublication } from './named-services.ts'
import { isOnTransport, knownLiterals, newPath, provenFirst } from './plan/path.ts'
import { makeNameCheck } from './name-check.ts'
import { makeReader, type TunnelReading } from './reading.ts'
import type { Settings } from './settings/settings.ts'
import { makeReconciler } from './reconciler.ts'
import { rememberWay, resumeWay } from './resume-way.ts'
import { takeAddresses } from './settings/take-addresses.ts'
import { takeHubIdentity } from './settings/take-hub-identity.ts'
import { makePlaceTaker } from './settings/take-place.ts'

/** A home's tunnel to one hub, with everything that exists once per hub. */
export interface Tunnel {
  readonly settings: Settings
  readonly look: Judge['look']
  /** What a drill may do to this tunnel. */
  readonly drill: DrillActs
  readonly read: () => Promise<TunnelReading>
  /** Tells the hub of incidents, and asks what it knows of them; null: not reached, or no such home. Never throws. */
  readonly exchange: (incidents: IncidentReport) => Promise<IncidentAnswer | 'no-view' | null>
  /** Whether the file of the tunnel's key has it. */
  readonly keyFile: KeyFileWatch['state']
  /** Ends a key rotation that was cut off. Never throws; only when no other agent can be at it. */
  readonly begin: () => Promise<void>
  readonly run: (signal: AbortSignal) => Promise<void>
  /** Points WireGuard back at the hub before the agent ends, and the TLS transport with it. Never throws. */
  readonly failBackToUdp: () => Promise<void>
  readonly close: () => void
}

/** The dependencies of a tunnel. */
export interface TunnelDeps {
  /** Of this homeward. */
  readonly version: string
  /** The tunnel's own folders. */
  readonly paths: AgentPaths
  readonly settings: Settings
  /** The adapter of the machine that the tunnel ends on. */
  readonly adapter: Adapter
  readonly events: Pick<EventLog, 'lastMapping' | 'mappingTimes'>
  readonly uplink: UplinkMemory
  readonly clockGuard: ClockGuard
  readonly recorder: EventRecorder
  readonly note: (event: NewEvent) => void
  /** Tells whether the router that the tunnel ends on lets us in. */
  readonly routerAnswered: (answered: boolean) => void
  readonly takeChannels: TakeChannels
  readonly clock: Clock
  readonly log: Log
  readonly effects?: typeof makeEffects
}

/**
 * Makes the tunnel in the order of use: the judge first, which takes events at any time; then what changes the machine;
 * then what acts for the judge, and the loop. Nothing is named before it is there, so whatever is given here may call
 * back at once.
 * @param signal ends the effects that are under way.
 */
export function openTunnel(deps: TunnelDeps, signal: AbortSignal): Tunnel {
  const { paths, settings, adapter, events, uplink, clockGuard, note, clock, log } = deps
  const { stateDir, runtimeDir } = paths
  const config = (): TunnelConfig => settings.current
  const judge = makeJudge(
    config(),
    {
      ledger: ledgerFrom(events.lastMapping()),
      firstSequence: randomInt(2 ** 32),
      jitter: randomInt(1_000) / 1_000,
      mtu: Math.min(config().mtu, uplink.current.mtu ?? config().mtu),
      helped: uplink.current.helped,
      failbackFailures: uplink.current.failbackFailures,
      lifeSeconds: () => uplink.current.lifeSeconds,
    },
    clock,
  )
  const path = newPath(config(), uplink.current)
  /** No registration with the old key may overtake the one that changes it. */
  const registrationMutex = makeMutex()
  const registering = (): Omit<Registering, 'reason'> => ({
    folders: paths,
    config: config(),
    nextHub: settings.hubIdentity.next,
    version: deps.version,
    lastMapping: judge.look().watch.ledger.current?.endpoint ?? null,
    listenPort: path.listenPort,
    // Until the names were resolved, they are asked after the address at which the hub last answered.
    hubLiterals: [...provenFirst(path), ...(path.hubLiterals === null ? config().hub.addresses : [])],
    mtu: uplink.current.mtu,
    visitors: path.visitors,
    outgoing: config().router.kind === 'linux' ? path.outgoing : null,
  })
  const carries = makeCarries(adapter, config, clock)
  const isUp = (): boolean => judge.look().watch.health.kind === 'up'
  const beforeConfirm = makeBeforeConfirm({
    adapter,
    config,
    wasUp: isUp,
    carries,
    followKey: (publicKey, cut) =>
      registrationMutex.runExclusive(async () => {
        const change = { stateDir, joined: settings.joined, registering: registering() }
        settings.takeKey(await followRouterKey(publicKey, change, cut))
        log.info({ publicKey }, 'the router has made a new key, and the hub is told')
        note({ kind: 'key', publicKey, why: null })
      }),
  })
  const nameCheck = makeNameCheck(
    {
      hub: () => config().hub,
      livingAt: () => (isUp() && !isOnTransport(path) ? path.endpoint : null),
      clock,
      log,
    },
    signal,
  )
  const { reconcileLoop, apply, expectChange, warnings } = makeReconciler({
    paths,
    adapter,
    config,
    uplink,
    path,
    clockGuard,
    isDark: () => isDark(judge.look().watch.health, clock.now()),
    carries,
    beforeConfirm,
    look: judge.look,
    followLan: () => followLan(settings, stateDir, log),
    notice: judge.notice,
    note,
    routerAnswered: deps.routerAnswered,
    clock,
    log,
  })
  const follow = (): void => {
    expectChange()
    reconcileLoop.request()
  }
  const lifetime = makeLifetimeWatch({
    uplink,
    endpoint: () => (isUp() && path.transport === null ? path.endpoint : null),
    measure: async (endpoint, signal) => {
      const key = await readEchoKey(paths)
      return await measureBindingLifetime(endpoint, { home: config().hub.address, key, clock }, signal)
    },
    onMeasured: () => {
      judge.configure(config())
      follow()
    },
    clock,
    log,
  })
  const recorder: EventRecorder = {
    registered: deps.recorder.registered,
    record: (action, watch) => {
      deps.recorder.record(action, watch)
      // Another address is another NAT, perhaps of another carrier.
      if (action.kind === 'tell-mapping' && isAtAnotherAddress(action.change)) lifetime.request()
      if (action.kind === 'tell-remedy' && action.report.helped)
        void rememberWay(stateDir, config().hub.publicKey, watch.fallback).then((lost) => {
          if (lost !== null) log.warn({ why: lost }, 'the way that works could not be written down')
        })
    },
  }
  const places = makePlaceTaker({ stateDir, settings, follow, note, log })
  const heard = makeHeardFromHub(log, deps.takeChannels, deps.version)
  const keyFile = makeKeyFileWatch({ paths, config, joined: () => settings.joined, registrationMutex, log })
  const named = makeNamedServices({
    config,
    move: (target, address, cut) =>
      movePublication(
        { folders: paths, config: config(), hosts: knownLiterals(path, config().hub.addresses) },
        target,
        address,
        cut,
      ),
    log,
  })
  const drill = makeDrillActs({ paths, adapter, config, path, registering, notice: judge.notice, clock })
  const effects = (deps.effects ?? makeEffects)(
    {
      paths,
      adapter,
      config,
      path,
      nameCheck,
      uplink,
      registering,
      carries,
      apply: async (signal) => void (await apply(signal)),
      reconcile: reconcileLoop.request,
      follow,
      expectChange,
      notice: judge.notice,
      recorder,
      takePlace: places.take,
      takeHubIdentity: (seen, told) => takeHubIdentity({ stateDir, settings, follow, note, log }, seen, told),
      heardNamed: named.take,
      heard: (answer) => {
        heard.take(answer)
        void takeAddresses(stateDir, settings, answer.addresses, log)
      },
      heardTime: clockGuard.heard,
      isDrill: drill.isOn,
      registrationMutex,
      clock,
      log,
    },
    signal,
  )
  const loop = makeLoop(config(), judge, effects, log, drill.isHeld)
  const rotations = makeKeyRotations(
    {
      expression: () => config().rotateKeys,
      isWell: () => isUp() && judge.look().watch.registration.registrar === 'reachable',
      rotate: async () => {
        const { joined, takeKey: take } = settings
        const asking = { registrationMutex, log }
        const rotated = await rotateKey({ ...asking, paths, adapter, joined, registering: registering(), take })
        // The hub ends a TLS transport whose secret is not the home's any more.
        if (path.transport === null)
          await rotateSecret({ ...asking, folders: paths, registering: registering() }, signal)
        return rotated
      },
      note,
    },
    clock,
    log,
  )
  settings.onChange(() => {
    // The hub's names may lead elsewhere.
    path.hubLiterals = null
    loop.configure(config())
    rotations.configured()
    reconcileLoop.request()
  })
  return {
    settings,
    look: judge.look,
    drill,
    keyFile: keyFile.state,
    read: makeReader({
      clock,
      look: judge.look,
      adapter,
      warnings: async () => [
        ...keyFile.warnings(),
        ...(await warnings()),
        ...nameCheck.warnings(),
        ...heard.warnings(),
        ...places.warnings(),
      ],
      config,
      path,
      published: heard.published,
      events,
    }),
    exchange: (incidents) =>
      registrationMutex.runExclusive(async () => {
        // The hub has no answer for a home that it does not know, and counts each such question.
        if (isUnknownAtHub(judge.look().watch)) return null
        const failed = ({ code, why }: Problem): void =>
          log.info({ code, why }, 'the hub could not be told of incidents')
        return await tellIncidents(registering(), incidents, failed, signal)
      }),
    begin: async () => {
      const { joined, rotated } = settings
      settings.takeKey(await settleRotation({ adapter, joined, stateDir }, config().interface, rotated, log))
      reconcileLoop.request()
    },
    run: async (signal) => {
      await resumeWay({ paths, config, path, notice: judge.notice, clock, log }, stateDir, signal)
      await Promise.all([
        loop.run(signal),
        reconcileLoop.run(signal),
        followMachine(adapter, { notice: judge.notice, clock, log }, signal),
        lifetime.run(signal),
        rotations.run(signal),
        keyFile.run(signal),
        named.run(signal),
        // As after a change of the settings: the hub is told, and a look follows a LAN that moved.
        watchNetworks(
          () => config().interface,
          () => {
            judge.configure(config())
            reconcileLoop.request()
          },
          log,
          signal,
        ),
      ])
    },
    failBackToUdp: () => endTransport({ adapter, config: config(), runtimeDir, path, log }),
    close: () => path.transport?.close(),
  }
}
