import { type Alerting, openAlerting } from '../alerts/alerting.ts'
import { makeFolder } from '../system/files/atomic-file.ts'
import { keepLastGood } from '../system/files/last-good.ts'
import type { DrillWay } from '../protocol/drill.ts'
import { branchSignal } from '../system/time/branch-signal.ts'
import type { Clock } from '../system/time/clock.ts'
import { damagedFiles } from '../system/files/damaged-files.ts'
import { watchFile } from '../system/files/file-watch.ts'
import { type LocalHandler, type LocalServer, serveLocal } from '../system/sockets/local-socket.ts'
import type { Log } from '../system/process/log.ts'
import { type Served, tellServiceManager } from '../system/process/service-manager.ts'
import { type Drills, makeDrills } from './drill/drills.ts'
import { makeDrillSchedule, type DrillSchedule } from './drill/drill-schedule.ts'
import { serveMetrics } from '../system/sockets/metrics-server.ts'
import { makeCalendar } from '../system/time/calendar.ts'
import { type ClockGuard, openClockGuard } from './memory/clock-guard.ts'
import { makeRuntimeFolder } from './settings/change-lock.ts'
import {
  agentConfigPath,
  beginWithConfig,
  lastGoodConfigPath,
  tunnelsOf,
  type TunnelConfig,
} from './settings/config.ts'
import { type ConfigWatch, type WatchEnd, watchConfig } from './settings/config-watch.ts'
import { type EventLog, openEventLog } from './memory/event-log.ts'
import { byDrill, type NewEvent } from './memory/events.ts'
import { homeSnapshot } from './report/home-snapshot.ts'
import { type IncidentSigns, makeIncidentSigns } from './report/incident-signs.ts'
import { openUplinkMemory } from './memory/uplink-memory.ts'
import { openTunnelMemory } from './memory/tunnel-memory.ts'
import { agentFamilies, makeRepairCounts } from './report/metrics.ts'
import { openAdapter } from './tunnel/plan/open-adapter.ts'
import { type AgentPaths, tunnelPaths } from './settings/paths.ts'
import { readFollowedLan } from './settings/followed-lan.ts'
import { readToldAddresses } from './settings/told-addresses.ts'
import { readHubIdentity } from './settings/hub-identity.ts'
import { readPlace } from './settings/place.ts'
import { readRotatedKey } from './secrets/rotated-key.ts'
import { controlHandler } from './settings/recheck-agent.ts'
import { agentControlPath, agentSocketPath } from './settings/socket-path.ts'
import { servedAs } from './report/served.ts'
import { speakerOf } from './report/speaker.ts'
import { isoSeconds, statusOf } from './report/status.ts'
import { makeEventRecorder } from './report/event-recorder.ts'
import { makeSettings } from './tunnel/settings/settings.ts'
import { openTunnel, type Tunnel } from './tunnel/tunnel.ts'

/** The dependencies of the agent. */
export interface AgentContext {
  readonly paths: AgentPaths
  readonly version: string
  readonly clock: Clock
  readonly log: Log
}

/** A tunnel, and who makes signs for the alarm of what it tells. */
interface Supervised {
  readonly tunnel: Tunnel
  readonly signs: IncidentSigns
}

interface Agent {
  readonly tunnels: readonly Supervised[]
  readonly config: ConfigWatch
  readonly clockGuard: ClockGuard
  readonly alerting: Alerting
  readonly drills: Drills
  readonly drillSchedule: DrillSchedule
  readonly serveMetrics: (signal: AbortSignal) => Promise<void>
  readonly answer: LocalHandler
  readonly note: (event: NewEvent) => Promise<void>
  readonly served: Served
  readonly close: () => Promise<void>
  /** Context for the log. */
  readonly about: Readonly<Record<string, string>>
}

/**
 * The agent: keeps this home's tunnels as agent.yaml wants them and watches them, until the signal ends it or the
 * machine leaves its hub. The tunnels stay up without it, and are taken over unharmed.
 * @param onHangup is given what SIGHUP shall do.
 * @throws {Problem} when it cannot begin: `config-*`, `already-running`, `write-failed`.
 */
export async function runAgent(
  context: AgentContext,
  signal: AbortSignal,
  onHangup: (recheck: () => void) => void,
): Promise<void> {
  // After another join nothing known of the old one holds: the agent starts over, in the same process.
  while ((await runJoined(context, signal, onHangup)) === 'joined-again')
    context.log.info('this home has joined again: the agent starts over')
}

async function runJoined(
  context: AgentContext,
  signal: AbortSignal,
  onHangup: (recheck: () => void) => void,
): Promise<WatchEnd> {
  const { paths, version, log } = context
  const { signal: all, end } = branchSignal(signal)
  const agent = await makeAgent(context, all)
  try {
    const server = await serveLocal(agentSocketPath(paths.runtimeDir), 0o666, agent.answer)
    let control: LocalServer | undefined
    try {
      const controls = {
        recheck: agent.config.recheck,
        testAlerts: agent.alerting.test,
        startDrill: (ways: readonly DrillWay[]) => agent.drills.start(ways, 'command'),
        drillReport: agent.drills.report,
      }
      control = await serveLocal(agentControlPath(paths.runtimeDir), 0o600, controlHandler(controls))
      log.info(agent.about, 'the agent watches this home’s tunnel')
      onHangup(() => void agent.config.recheck())
      // The socket is ours by now, so that no other agent works on the tunnels.
      for (const { tunnel } of agent.tunnels) await tunnel.begin()
      await agent.note({ kind: 'agent-started', version })
      const [how] = await Promise.all([
        agent.config.run(all).finally(end),
        ...agent.tunnels.map(({ tunnel }) => tunnel.run(all)),
        ...agent.tunnels.map(({ tunnel, signs }) => signs.run(() => tunnel.look().watch, tunnel.keyFile, all)),
        agent.clockGuard.run(all),
        agent.alerting.run(all),
        agent.drills.run(all),
        agent.drillSchedule.run(all),
        agent.serveMetrics(all),
        tellServiceManager(agent.served, log, all),
      ])
      if (how !== 'joined-again')
        log.info(how === 'left' ? 'agent.yaml is gone: this machine left its hub' : 'the agent ends; the tunnel stays')
      if (how === 'ended') for (const { tunnel } of agent.tunnels) await tunnel.failBackToUdp()
      await agent.note({ kind: 'agent-stopped' })
      return how
    } finally {
      end()
      await control?.close()
      await server.close()
    }
  } finally {
    await agent.close()
  }
}

async function makeAgent({ paths, version, clock, log }: AgentContext, signal: AbortSignal): Promise<Agent> {
  const { configDir, stateDir, runtimeDir } = paths
  const configFile = await watchFile(agentConfigPath(configDir))
  // Home and router do not change under a running agent: the name is of its join, and the router is taken at its start.
  const begun = await beginWithConfig(paths)
  const written = begun.settings
  const { home, router } = written
  await makeFolder(stateDir)
  const keepConfig = () => keepLastGood(agentConfigPath(configDir), lastGoodConfigPath(stateDir))
  let notInForce = begun.notInForce
  if (notInForce === null) await keepConfig()
  else log.error({ path: agentConfigPath(configDir) }, `${notInForce} What it said before stays in force.`)
  await makeRuntimeFolder(runtimeDir)
  const adapter = await openAdapter(router, paths)
  const events = await openEventLog(stateDir)
  const uplink = await openUplinkMemory(stateDir)
  const calendar = makeCalendar(clock)
  const noteIn = async (events: EventLog, event: NewEvent): Promise<void> => {
    const lost = await events.note({ at: clock.wall().toISOString(), ...event })
    if (lost !== null) log.warn({ why: lost }, 'an event could not be written down')
  }
  const noteSoon = (event: NewEvent): void => void noteIn(events, event)
  const clockGuard = await openClockGuard(stateDir, clock, noteSoon, log)
  /** Made first, and empty until everything exists that a tunnel reports to. */
  const tunnels: Supervised[] = []
  const speaker = async () => speakerOf(await Promise.all(tunnels.map(({ tunnel }) => tunnel.read())))
  const homeFacts = () => ({
    version,
    calendar,
    now: clock.now(),
    lifeSeconds: uplink.current.lifeSeconds,
    clockBehindSeconds: clockGuard.behindSeconds(),
  })
  const alerting = await openAlerting({
    end: 'home',
    name: () => home,
    configDir,
    stateDir,
    snapshot: async () => {
      const reading = await speaker()
      if (reading === null) return { end: 'home', version, homes: [] }
      return homeSnapshot(statusOf({ ...homeFacts(), ...reading, lastIncident: null, channels: [] }), clock.wall())
    },
    exchange: async (incidents) => {
      for (const { tunnel } of tunnels) {
        const answer = await tunnel.exchange(incidents)
        if (answer !== null) return answer
      }
      return null
    },
    clock,
    log,
  })
  // A home that joined again under another name has no outages of the old one.
  alerting.note({ kind: 'homes', homes: [home] })
  const repairs = makeRepairCounts()
  const drills = makeDrills({
    home,
    stateDir,
    tunnel: () => tunnels[0]?.tunnel ?? null,
    alerting,
    note: noteSoon,
    clock,
    log,
  })
  let drillMoments = written.drill ?? null
  const drillSchedule = makeDrillSchedule({ moments: () => drillMoments, drills, clock, log })

  async function supervise(config: TunnelConfig, nth: number): Promise<Supervised> {
    const own = tunnelPaths(paths, nth, config.interface)
    for (const path of await damagedFiles(own.stateDir))
      log.warn({ path }, 'a file of what this home has learned is damaged: it is learned again')
    const memory = await openTunnelMemory({ events, uplink, stateDir }, own.stateDir)
    const note = (event: NewEvent): void => void noteIn(memory.events, drills.isOn() ? byDrill(event) : event)
    const signs = makeIncidentSigns(alerting, () => home, clock)
    const recorder = makeEventRecorder(note, calendar, memory.events, log)
    const tunnel = openTunnel(
      {
        version,
        paths: own,
        settings: makeSettings(
          config,
          await readRotatedKey(own.stateDir),
          await readPlace(own.stateDir),
          await readFollowedLan(own.stateDir),
          await readHubIdentity(own.stateDir),
          await readToldAddresses(own.stateDir),
        ),
        adapter,
        ...memory,
        clockGuard,
        recorder: {
          registered: recorder.registered,
          record: (action, watch) => {
            recorder.record(action, watch)
            signs.tell(action, watch)
            drills.tell(action)
            if (!drills.isOn()) repairs.tell(action)
          },
        },
        note,
        routerAnswered: signs.routerAnswered,
        // The first hub is the one whose owner gives channels.
        takeChannels: (channels) => void (nth === 0 && alerting.give(channels)),
        clock,
        log,
      },
      signal,
    )
    return { tunnel, signs }
  }

  for (const [nth, config] of tunnelsOf(written).entries()) tunnels.push(await supervise(config, nth))

  async function status() {
    const reading = await speaker()
    if (reading === null) return null
    const drill = drills.current()
    const drilled = drill === null ? null : { way: drill.way, until: isoSeconds(calendar.at(drill.until)) }
    const outages = { lastIncident: alerting.last(), recentOutages: alerting.recent() }
    const warnings = [
      ...reading.warnings,
      ...(notInForce === null ? [] : [`agent.yaml is not in force: ${notInForce}`]),
    ]
    const facts = { ...homeFacts(), ...reading, warnings, ...outages, drill: drilled, channels: alerting.channels() }
    return { reading, status: statusOf(facts) }
  }

  const config = watchConfig(
    configDir,
    configFile,
    (taken) => {
      if (JSON.stringify(taken.router) !== JSON.stringify(router))
        log.warn('what agent.yaml says of the router is taken when the agent is started again')
      // An additional tunnel begins as after another join: from the start.
      const ends = tunnelsOf(taken).map((one, nth) => tunnels[nth]?.tunnel.settings.take(one) ?? 'joined-again')
      if (ends.includes('joined-again')) return 'joined-again'
      drillMoments = taken.drill ?? null
      drillSchedule.configured()
      notInForce = null
      noteSoon({ kind: 'configuration', taken: true, why: null })
      return 'taken'
    },
    (why) => {
      notInForce = why
      noteSoon({ kind: 'configuration', taken: false, why })
    },
    log,
    keepConfig,
  )
  return {
    tunnels,
    config,
    clockGuard,
    alerting,
    drills,
    drillSchedule,
    serveMetrics: (signal) =>
      serveMetrics(
        written.metricsPort ?? null,
        async () => {
          const now = await status()
          if (now === null) return []
          const { config, peer } = now.reading
          const hub = { publicKey: config.hub.publicKey, allowedIps: peer?.allowedIps ?? [] }
          return agentFamilies(now.status, hub, repairs.all(), alerting.counts(), clock.wall())
        },
        log,
        signal,
      ),
    note: (event) => noteIn(events, event),
    served: servedAs(() => tunnels.map(({ tunnel }) => tunnel)),
    close: async () => {
      for (const { tunnel } of tunnels) tunnel.close()
      await adapter.close()
    },
    about: { home, interface: written.interface, version },
    answer: async (verb) => {
      if (verb === 'status') return (await status())?.status ?? null
      throw new TypeError(`no such question: ${verb.slice(0, 20)}`)
    },
  }
}
