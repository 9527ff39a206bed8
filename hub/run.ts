import { dirname } from 'node:path'
import { unblockSenders } from '../adapters/linux/packets/block-sender.ts'
import { openAlerting } from '../alerts/alerting.ts'
import { asProblem } from '../problems/problem.ts'
import { makeFolder } from '../system/files/atomic-file.ts'
import { branchSignal } from '../system/time/branch-signal.ts'
import { systemClock } from '../system/time/clock.ts'
import type { Log } from '../system/process/log.ts'
import { tellServiceManager } from '../system/process/service-manager.ts'
import { serveMetrics } from '../system/sockets/metrics-server.ts'
import { sleep } from '../system/time/sleep.ts'
import { makeAuthentication } from './registrar/authentication.ts'
import { transportUpgrade } from './registrar/transport-upgrade.ts'
import { makeTransports } from './transport/transports.ts'
import { type HubConfig, readHubConfig } from './settings/config.ts'
import { startupGate } from './control.ts'
import { keepLastGood } from '../system/files/last-good.ts'
import { type FileWatch, watchFile } from '../system/files/file-watch.ts'
import { makeEchoResponder } from './presence/echo-responder.ts'
import { makeHeartbeatResponder } from './presence/heartbeat-responder.ts'
import { hubSnapshot } from './report/hub-snapshot.ts'
import type { Hub } from './service/hub.ts'
import { type AdapterMaker, openHub } from './open.ts'
import { hubFamilies } from './report/metrics.ts'
import { homeAddresses } from './presence/home-addresses.ts'
import { makeInitiations } from './presence/initiations.ts'
import type { HubPaths } from './settings/paths.ts'
import { makeCallBudget } from './registrar/call-budget.ts'
import { makeHomeSources } from './registrar/home-sources.ts'
import { openRegistrar, type RegistrarServer } from './registrar/registrar-server.ts'
import { registrarApp } from './registrar/registrar.ts'
import type { PeerMonitor } from './presence/peer-monitor.ts'
import { makePeerView } from './presence/peer-view.ts'
import { takeSocket } from './take-socket.ts'

/** How often the machine is reconciled, for what the peer monitor does not see: the firewall and routes. */
const DRIFT_EVERY_MS = 8_000
/** How often it is reconciled while the peer monitor sees no interface, or misses a peer: somebody removed it. */
const INCOMPLETE_EVERY_MS = 1_000
/** The age from which the peer monitor counts as blind: it looks each second, and a look may be slow. */
const BLIND_AFTER_MS = 2_500
const GLANCE_EVERY_MS = 250
const CALL_EVERY_MS = 1_000
const SSH_EVERY_MS = 3_000
/** How often the way of answers to visitors is measured, besides when a home says that its networks changed. */
const SOURCES_EVERY_MS = 300_000
/** How often the way in is proven: rules of others change when their programs are started again. */
const WAY_IN_EVERY_MS = 300_000
const CLOSED_EVERY_MS = 15_000
/** No turn of the watch for drift takes so long, a look at a slow machine with it. */
const STUCK_MS = 120_000

/**
 * The daemon: sets everything up again at the start, keeps it in place, and serves until the signal ends it. The tunnel
 * stays up without it.
 * @throws {Problem} when it cannot begin: `hub-not-initialised`, `store-*`, `already-running`, `port-taken`.
 */
export async function runHub(
  paths: HubPaths,
  makeAdapter: AdapterMaker,
  version: string,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  await makeFolder(dirname(paths.socket))
  const configFile = await watchFile(paths.config)
  const transports = makeTransports(systemClock, log)
  const listener = startupGate('daemon', () =>
    openHub(paths, makeAdapter, version, log, (peerMonitor) => {
      const heartbeats = makeHeartbeatResponder(peerMonitor.statsOf, systemClock, log)
      const viewOf = makePeerView(peerMonitor, heartbeats, makeInitiations(systemClock))
      return {
        heartbeats,
        echoes: makeEchoResponder(viewOf, systemClock, log),
        transports,
        viewOf,
        openAlerting: (status) =>
          openAlerting({
            end: 'hub',
            name: () => 'hub',
            configDir: paths.configDir,
            stateDir: paths.stateDir,
            snapshot: async () => hubSnapshot(await status(), version, systemClock.wall()),
            clock: systemClock,
            log,
          }),
      }
    }),
  )
  const control = await takeSocket(paths.socket, listener.handler, signal)
  let registrar: RegistrarServer | undefined
  const { signal: loops, end } = branchSignal(signal)
  try {
    const { hub, identity, peerMonitor, lastEndpoints, ownFiles, alerting } = await listener.open()
    await hub.reconcileOrLog()
    // A hub that was killed in the midst of a home's drill leaves a table that does nothing any more.
    await unblockSenders()
    await peerMonitor.look()
    await hub.recoverSessions()
    const authentication = makeAuthentication(hub, systemClock, log)
    const app = registrarApp(hub, authentication, makeCallBudget(systemClock, log), log)
    const onUpgrade = transportUpgrade(authentication, transports)
    const addresses = (): readonly string[] => homeAddresses(hub.document().homes, peerMonitor, lastEndpoints)
    const isHome = makeHomeSources(addresses, systemClock)
    const open = (port: number): Promise<RegistrarServer> => openRegistrar(app, identity.tls, port, onUpgrade, isHome)
    registrar = await open(hub.config.port)
    identity.onChange(() => registrar?.present(identity.tls))
    log.info({ port: hub.config.port, interface: hub.config.interface }, 'the hub is ready')
    let turnedAt = systemClock.now()
    const served = {
      isSettled: () => true,
      isTurning: () => systemClock.now() - turnedAt < STUCK_MS,
      text: () => `homes: ${hub.document().homes.length}, devices: ${hub.document().devices.length}`,
    }
    await Promise.all([
      peerMonitor.watch(loops),
      alerting.run(loops),
      ownFiles.watch(alerting, loops),
      serveMetrics(
        hub.config.metricsPort ?? null,
        async () => hubFamilies(await hub.status(), hub.document(), alerting.counts(), version, systemClock.wall()),
        log,
        loops,
      ),
      watchDrift(hub, peerMonitor, () => (turnedAt = systemClock.now()), loops),
      tellServiceManager(served, log, loops),
      watchSsh(hub, loops),
      watchSources(hub, loops),
      watchWayIn(hub, loops),
      hub.provePublications(loops),
      watchConfig(paths, configFile, hub, log, loops, async (port) => {
        const old = registrar
        registrar = await open(port)
        await old?.close()
      }),
    ])
    log.info('the hub ends; the tunnel stays')
  } finally {
    // One failed loop ends the others, and then the process: systemd starts it again.
    end()
    await registrar?.close()
    await control.close()
    await listener.close()
  }
}

async function watchDrift(hub: Hub, peerMonitor: PeerMonitor, turned: () => void, signal: AbortSignal): Promise<void> {
  let looked = systemClock.now()
  let called = looked
  while (!signal.aborted) {
    await sleep(GLANCE_EVERY_MS, signal)
    turned()
    const isBlind = (peerMonitor.ageSeconds() ?? Number.POSITIVE_INFINITY) * 1000 > BLIND_AFTER_MS
    const everyMs = isBlind || !hub.isComplete() ? INCOMPLETE_EVERY_MS : DRIFT_EVERY_MS
    if (!signal.aborted && systemClock.now() - looked >= everyMs) {
      await hub.reconcileOrLog()
      if (everyMs === INCOMPLETE_EVERY_MS) {
        await peerMonitor.look()
        called = -Infinity
      }
      looked = systemClock.now()
    }
    if (systemClock.now() - called < CALL_EVERY_MS) continue
    await hub.recoverSessions()
    called = systemClock.now()
  }
}

async function watchSsh(hub: Hub, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await hub.lookForSsh()
    await sleep(SSH_EVERY_MS, signal)
  }
}

async function watchSources(hub: Hub, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(SOURCES_EVERY_MS, signal)
    await hub.measureSources()
  }
}

/** Proves now and then that packets from outside reach the hub, and often while they do not. */
async function watchWayIn(hub: Hub, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const warnings = await hub.proveWayIn()
    const { checkEverySeconds } = hub.config
    const everyMs = checkEverySeconds === 0 ? WAY_IN_EVERY_MS : Math.min(WAY_IN_EVERY_MS, checkEverySeconds * 1_000)
    await sleep(warnings.length === 0 ? everyMs : CLOSED_EVERY_MS, signal)
  }
}

/**
 * Takes changes of hub.yaml. A bad file is logged, and the last good one stays in effect.
 * @param file hub.yaml's, watched since before it was read.
 * @param movePort opens the registrar at another port, then closes the old one.
 */
async function watchConfig(
  { config: path, lastGoodConfig }: HubPaths,
  file: FileWatch,
  hub: Hub,
  log: Log,
  signal: AbortSignal,
  movePort: (port: number) => Promise<void>,
): Promise<void> {
  for await (const change of file.looks(signal)) {
    if (change === 'same' || change === 'missing') continue
    let found: HubConfig | null = null
    try {
      const next = await readHubConfig(path)
      found = next
      if (next.network !== hub.config.network) await hub.previewNetwork(next.network)
      if (next.port !== hub.config.port) await movePort(next.port)
      await hub.reconfigure(next)
      log.info({ path }, 'took the new settings')
      await keepLastGood(path, lastGoodConfig)
      await hub.reconcileOrLog()
    } catch (thrown) {
      const { code, message } = asProblem(thrown, 'taking the new settings')
      log.error({ code, path }, `${message} The last good settings stay.`)
      hub.noteRefused(`hub.yaml is not in force: ${message}`, found?.port === hub.config.port ? found : null)
    }
  }
}
