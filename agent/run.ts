import { randomInt } from 'node:crypto'
import { type Alerting, openAlerting } from '../alerts/alerting.ts'
import { reasonOf } from '../problems/problem.ts'
import { makeFolder } from '../system/files/atomic-file.ts'
import { branchSignal } from '../system/time/branch-signal.ts'
import type { Clock } from '../system/time/clock.ts'
import { stampOf } from '../system/files/file-stamp.ts'
import { type LocalHandler, serveLocal } from '../system/sockets/local-socket.ts'
import type { Log } from '../system/process/log.ts'
import { serveMetrics } from '../system/sockets/metrics-server.ts'
import { makeAssurance } from './tunnel/assurance.ts'
import { makeCalendar } from '../system/time/calendar.ts'
import { makeRuntimeFolder } from './settings/change-lock.ts'
import { type ClockGuard, openClockGuard } from './memory/clock-guard.ts'
import { type AgentConfig, agentConfigPath, firstHub, readAgentConfig } from './settings/config.ts'
import { type ConfigWatch, type WatchEnd, watchConfig } from './settings/config-watch.ts'
import type { Ledger, MappingChange } from './core/ledger.ts'
import { type EventLog, openEventLog } from './memory/event-log.ts'
import type { Happening } from './memory/events.ts'
import { makeHands } from './tunnel/hands.ts'
import { homePulse } from './report/home-pulse.ts'
import { type IncidentSigns, makeIncidentSigns } from './report/incident-signs.ts'
import type { Keeper } from './tunnel/keeper.ts'
import { type LifeWatch, makeLifeWatch } from './probes/life-watch.ts'
import { openLineMemory } from './memory/line-memory.ts'
import { rotateKey, settleRotation } from './rotation/key-rotation.ts'
import { type Judge, makeJudge } from './tunnel/judge.ts'
import { makeLoop, type TunnelLoop } from './tunnel/loop.ts'
import { agentFamilies, makeRepairCounts } from './report/metrics.ts'
import { measureMappingLife } from './probes/mapping-life.ts'
import { leadOffCarrier } from './tunnel/off-carrier.ts'
import { openAdapter } from './tunnel/open-adapter.ts'
import type { Path } from './tunnel/path.ts'
import type { AgentPlaces } from './settings/places.ts'
import { type Registering, registerHome } from './registrar/registration.ts'
import { readRotatedKey } from './secrets/rotated-key.ts'
import { type KeyRotations, makeKeyRotations } from './rotation/rotate-keys.ts'
import { followRouterKey } from './rotation/router-key.ts'
import { readEchoKey } from './secrets/secrets.ts'
import { agentSocketPath } from './settings/socket-path.ts'
import { makeStatusTeller } from './report/status-teller.ts'
import { makeSettings } from './tunnel/settings.ts'
import { makeTelling } from './report/telling.ts'
import { makeTurns } from '../system/process/turns.ts'
import { isUnknownAtHub } from './core/unknown-home.ts'
import { makeUpkeep } from './tunnel/upkeep.ts'

/** What the agent is given from outside. */
export interface AgentSurroundings {
  readonly places: AgentPlaces
  readonly version: string
  readonly clock: Clock
  readonly log: Log
}

/** People wait for the alarm: a registrar that is there answers sooner. */
const ASK_MS = 5_000

interface Agent {
  readonly judge: Judge
  readonly loop: TunnelLoop
  readonly keeper: Keeper
  readonly config: ConfigWatch
  readonly clockGuard: ClockGuard
  readonly life: LifeWatch
  readonly rotations: KeyRotations
  readonly alerting: Alerting
  readonly signs: IncidentSigns
  readonly serveMetrics: (signal: AbortSignal) => Promise<void>
  /** Ends a rotation that was cut off. */
  readonly settleKey: () => Promise<void>
  readonly answer: LocalHandler
  readonly note: (happening: Happening) => Promise<void>
  /** Before this agent ends and takes its carrier along. Never throws. */
  readonly offCarrier: () => Promise<void>
  readonly close: () => Promise<void>
  /** For the log. */
  readonly about: Readonly<Record<string, string>>
}

/**
 * The agent: keeps this home's tunnel as agent.yaml wants it and watches it, until the signal ends it or the machine
 * leaves its hub. The tunnel goes on without it, and is taken over unharmed.
 * @param onHangup is given what SIGHUP shall do.
 * @throws {Problem} when it cannot begin: `config-*`, `already-running`, `write-failed`.
 */
export async function runAgent(
  surroundings: AgentSurroundings,
  signal: AbortSignal,
  onHangup: (recheck: () => void) => void,
): Promise<void> {
  // After another join nothing of what was known of the old one holds: begun from the start, in the same process.
  while ((await runJoined(surroundings, signal, onHangup)) === 'joined-again')
    surroundings.log.info('this home has joined again: the agent begins anew')
}

async function runJoined(
  surroundings: AgentSurroundings,
  signal: AbortSignal,
  onHangup: (recheck: () => void) => void,
): Promise<WatchEnd> {
  const { places, version, log } = surroundings
  const { signal: all, end } = branchSignal(signal)
  const agent = await makeAgent(surroundings, all)
  try {
    const server = await serveLocal(agentSocketPath(places.runtimeDir), 0o666, agent.answer)
    try {
      log.info(agent.about, 'the agent watches this home’s tunnel')
      onHangup(() => void agent.config.recheck())
      // Not before: the socket is ours by now, so no other agent is at it.
      await agent.settleKey()
      agent.keeper.request()
      await agent.note({ kind: 'agent-started', version })
      const [how] = await Promise.all([
        agent.config.run(all).finally(end),
        agent.loop.run(all),
        agent.keeper.run(all),
        agent.clockGuard.run(all),
        agent.life.run(all),
        agent.rotations.run(all),
        agent.signs.run(() => agent.judge.look().watch, all),
        agent.alerting.run(all),
        agent.serveMetrics(all),
      ])
      if (how !== 'joined-again')
        log.info(how === 'left' ? 'agent.yaml is gone: this machine left its hub' : 'the agent ends; the tunnel stays')
      if (how === 'ended') await agent.offCarrier()
      await agent.note({ kind: 'agent-stopped' })
      return how
    } finally {
      end()
      await server.close()
    }
  } finally {
    await agent.close()
  }
}

async function makeAgent({ places, version, clock, log }: AgentSurroundings, signal: AbortSignal): Promise<Agent> {
  const { configDir, stateDir, runtimeDir } = places
  const stamp = await stampOf(agentConfigPath(configDir))
  const written = await readAgentConfig(configDir)
  await makeFolder(stateDir)
  await makeRuntimeFolder(runtimeDir)
  const settings = makeSettings(written, await readRotatedKey(stateDir))
  const config = (): AgentConfig => settings.current
  const adapter = await openAdapter(config().router, places)
  const events = await openEventLog(stateDir)
  const earlier = events.lastMapping()
  const line = await openLineMemory(stateDir)
  const calendar = makeCalendar(clock)
  const note = async (happening: Happening): Promise<void> => {
    const lost = await events.note({ at: clock.wall().toISOString(), ...happening })
    if (lost !== null) log.warn({ why: lost }, 'an event could not be written down')
  }
  const noteSoon = (happening: Happening): void => void note(happening)
  const clockGuard = await openClockGuard(stateDir, clock, noteSoon, log)
  // Before all that acts on the tunnel: whatever that hears while it is being made is weighed later.
  const judge = makeJudge(
    config(),
    {
      ledger: ledgerFrom(events),
      firstSequence: randomInt(2 ** 32),
      spread: randomInt(1_000) / 1_000,
      mtu: Math.min(config().mtu, line.current.mtu ?? config().mtu),
      helped: line.current.helped,
      lifeSeconds: () => line.current.lifeSeconds,
    },
    clock,
  )
  /** No registration with the old key may overtake the one that changes it. */
  const turns = makeTurns()
  const telling = makeTelling(noteSoon, calendar, events, log)
  const alerting = await openAlerting({
    end: 'home',
    name: () => config().home,
    configDir,
    stateDir,
    pulse: async () => homePulse(await teller.status(), clock.wall()),
    exchange: (incidents) =>
      turns(async () => {
        // It has no word for whom it does not know, and counts each such question.
        if (isUnknownAtHub(judge.look().watch)) return null
        const { answer, problem } = await registerHome(
          { ...registering(), reason: 'incident', incidents, timeoutMs: ASK_MS },
          signal,
        )
        if (problem !== null)
          log.info({ code: problem.code, why: problem.why }, 'the hub could not be told of incidents')
        return answer === null ? null : (answer.incidents ?? 'no-word')
      }),
    clock,
    log,
  })
  // A home that joined again under another name has no outages of the old one.
  alerting.note({ kind: 'homes', homes: [config().home] })
  const repairs = makeRepairCounts()
  const signs = makeIncidentSigns(alerting, () => config().home, clock)

  function registering(): Omit<Registering, 'reason'> {
    return {
      configDir,
      config: config(),
      lastMapping: judge.look().watch.ledger.current?.endpoint ?? null,
      listenPort: path.listenPort,
      hubLiterals: path.hubLiterals ?? [],
      mtu: line.current.mtu,
      visitors: path.visitors,
    }
  }

  const path: Path = {
    hubLiterals: null,
    endpoint: null,
    keepaliveSeconds: config().keepaliveSeconds,
    listenPort: null,
    carrier: null,
    visitors: line.current.visitors,
  }
  const assurance = makeAssurance({
    adapter,
    config,
    wasUp: () => judge.look().watch.health.kind === 'up',
    followKey: (publicKey, cut) =>
      turns(async () => {
        const change = { stateDir, joined: settings.joined, registering: registering() }
        settings.takeKey(await followRouterKey(publicKey, change, cut))
        log.info({ publicKey }, 'the router has made a new key, and the hub is told')
        noteSoon({ kind: 'key', publicKey, why: null })
      }),
  })
  const { keeper, bring, expectChange, warnings } = makeUpkeep({
    places,
    adapter,
    config,
    line,
    path,
    clockGuard,
    assurance,
    notice: judge.notice,
    note: noteSoon,
    routerAnswered: signs.routerAnswered,
    log,
  })
  const life = makeLifeWatch({
    line,
    way: () => (judge.look().watch.health.kind === 'up' && path.carrier === null ? path.endpoint : null),
    measure: async (way, signal) => {
      const key = await readEchoKey(configDir)
      return await measureMappingLife(way, { home: firstHub(config()).address, key, clock }, signal)
    },
    onMeasured: () => {
      expectChange()
      judge.configure(config())
      keeper.request()
    },
    clock,
    log,
  })
  const loop: TunnelLoop = makeLoop(
    config(),
    judge,
    makeHands(
      {
        places,
        adapter,
        config,
        path,
        line,
        bring: async (signal) => {
          await bring(signal)
        },
        restore: keeper.request,
        follow: () => {
          expectChange()
          keeper.request()
        },
        notice: judge.notice,
        telling: {
          ...telling,
          tell: (action, watch) => {
            telling.tell(action, watch)
            signs.tell(action, watch)
            repairs.tell(action)
            // Another address is another NAT, perhaps of another carrier.
            if (action.kind === 'tell-mapping' && isElsewhere(action.change)) life.request()
          },
        },
        heardTime: clockGuard.heard,
        turns,
        clock,
        log,
      },
      signal,
    ),
    log,
  )
  const rotations = makeKeyRotations(
    {
      expression: () => config().rotateKeys,
      isWell: () => {
        const { health, registration } = judge.look().watch
        return health.kind === 'up' && registration.registrar === 'reachable'
      },
      rotate: () =>
        rotateKey({
          places,
          adapter,
          turns,
          joined: settings.joined,
          registering: registering(),
          take: settings.takeKey,
          log,
        }),
      note: noteSoon,
    },
    clock,
    log,
  )
  settings.onChange(() => {
    // Its names may lead elsewhere.
    path.hubLiterals = null
    loop.configure(config())
    rotations.configured()
    keeper.request()
    noteSoon({ kind: 'configuration', taken: true, why: null })
  })
  const watch = watchConfig(
    configDir,
    stamp,
    (taken) => {
      if (JSON.stringify(taken.router) !== JSON.stringify(config().router))
        log.warn('what agent.yaml says of the router is taken when the agent is started again')
      return settings.take(taken)
    },
    (why) => noteSoon({ kind: 'configuration', taken: false, why }),
    log,
  )
  const teller = makeStatusTeller({
    version,
    clock,
    calendar,
    look: judge.look,
    adapter,
    warnings,
    config,
    line,
    mappingTimes: events.mappingTimes,
    clockBehindSeconds: clockGuard.behindSeconds,
    alerting,
    earlier,
  })
  return {
    judge,
    loop,
    keeper,
    config: watch,
    clockGuard,
    life,
    rotations,
    alerting,
    signs,
    serveMetrics: (signal) =>
      serveMetrics(
        config().metricsPort ?? null,
        async () => {
          const [status, peer] = [await teller.status(), await teller.hubPeer()]
          const hub = { publicKey: firstHub(config()).publicKey, allowedIps: peer?.allowedIps ?? [] }
          return agentFamilies(status, hub, repairs.all(), alerting.counts(), clock.wall())
        },
        log,
        signal,
      ),
    settleKey: async () => {
      const tunnel = { adapter, joined: settings.joined, stateDir }
      settings.takeKey(await settleRotation(tunnel, config().interface, settings.rotated, log))
    },
    note,
    offCarrier: async () => {
      try {
        const { endpoint } = path
        if (await leadOffCarrier(adapter, config(), runtimeDir, path))
          log.info({ endpoint }, 'the tunnel is led off the carrier')
      } catch (thrown) {
        log.warn({ why: reasonOf(thrown) }, 'the tunnel could not be led off the carrier')
      }
    },
    close: async () => {
      path.carrier?.close()
      await adapter.close()
    },
    about: { home: config().home, interface: config().interface, version },
    answer: async (verb) => {
      if (verb === 'status') return await teller.status()
      // Harmless whoever asks: it only looks at agent.yaml now instead of soon.
      if (verb === 'recheck') return await watch.recheck()
      throw new TypeError(`no such question: ${verb.slice(0, 20)}`)
    },
  }
}

function isElsewhere({ from, to }: MappingChange): boolean {
  return from !== null && from.endpoint.address !== to.endpoint.address
}

/** The ledger goes on where the last agent left it. */
function ledgerFrom(events: EventLog): Ledger {
  const last = events.lastMapping()
  if (last === null) return { current: null, changes: 0 }
  return { current: { endpoint: { address: last.address, port: last.port }, since: null }, changes: last.changes }
}
