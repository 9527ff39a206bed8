import { reasonOf } from '../../problems/problem.ts'
import { inTime } from '../core/devices.ts'
import { makeDeviceUse } from '../drill/device-use.ts'
import { type Drills, makeDrills, NO_BLOCK } from '../drill/drills.ts'
import type { Home } from '../core/store-document.ts'
import { hubAddressIn } from '../core/tunnel-network.ts'
import { overlapWarnings } from '../core/overlaps.ts'
import { makeFollow } from '../machine/follow.ts'
import { NO_AUDIT } from '../audit/audit-log.ts'
import { tellingAudit } from '../audit/told.ts'
import { triggerHandshakes } from '../machine/trigger-handshakes.ts'
import { NOTHING_KEPT_BUT_22 } from '../machine/ports/kept-ports.ts'
import { makeHomeSigns } from '../presence/home-signs.ts'
import { noteMappings } from '../presence/note-mappings.ts'
import { makePresences } from '../presence/presence.ts'
import { NO_IDENTITIES, sharedWarnings } from '../presence/kept/kept-identities.ts'
import { NOTHING_KEPT } from '../proving/kept-standings.ts'
import { makeProving, type Proving } from '../proving/proving.ts'
import { type HubStatus, hubStatus, type RegistrationNote } from '../report/status.ts'
import { makeToldAddresses } from './told-addresses.ts'
import { makeGivenChannels } from './given-channels.ts'
import { makeAlertTests } from './alert-tests.ts'
import { NOBODY_WATCHES, watchArrivals } from './arrivals.ts'
import { makeDeviceService } from './device-service.ts'
import { makeHomes } from './homes.ts'
import { makeKeptSources, makeSourceMeasuring } from '../visitors/kept-sources.ts'
import { measureAnswerPath } from '../visitors/answer-path.ts'
import type { Alarm, HubDeps } from './hub-deps.ts'
import { makeGatheredHomes } from './gather-homes.ts'
import { makeIdentityChange } from './identity-change.ts'
import { makeLogOnce } from './log-once.ts'
import { makeMembers } from './members.ts'
import { makeNewSettings } from './new-settings.ts'
import { makeProofFacts } from '../visitors/proof-facts.ts'
import { makePublishing } from './publishing.ts'
import { makeQuickCheck, provingPresence } from '../visitors/quick-check.ts'
import { makeRevokeOther } from './revoke-other.ts'
import { makeUpdate } from './update.ts'
import { makeWishes } from './wishes.ts'
import { unwrittenRequests } from '../store/waiting-requests.ts'
import { makeVisitors } from '../visitors/visitors.ts'
import { makeWayIn } from '../visitors/way-in.ts'
import type { Hub } from './hub.ts'

/** Assembles the hub; each part is made from those before it. */
export async function makeHub<Opened extends Alarm>(
  deps: HubDeps<Opened>,
): Promise<{ readonly hub: Hub; readonly alerting: Opened }> {
  const {
    settings,
    identity,
    store,
    adapter,
    peerMonitor,
    heartbeats,
    echoes,
    transports,
    ssh = NOTHING_KEPT_BUT_22,
    watchPackets = NOBODY_WATCHES,
    audit = NO_AUDIT,
    identities = NO_IDENTITIES,
    visitPorts = async () => null,
    senderBlock = NO_BLOCK,
    clock,
    log,
  } = deps
  const presences = makePresences(deps)
  const visitors = makeVisitors()
  const registrations = new Map<string, RegistrationNote>()
  const sources = makeKeptSources(store, deps.hiddenHosts)
  /** Publications as they are led, and devices whose time is not over. */
  const led = {
    get document() {
      return inTime(sources.document, clock.wall())
    },
  }
  const machine = makeFollow({ ...deps, store: led, ssh, triggerHandshakes })
  const gathered = makeGatheredHomes()
  const givenChannels = makeGivenChannels(() => alarm)
  const told = makeToldAddresses(() => settings.current.addresses.slice(0, 8))
  const isNews = (home: Home): boolean =>
    visitors.isNews(home) || gathered.isAwaited(home.name) || givenChannels.isNews(home) || told.isNews(home)
  const isMuted = (home: Home): boolean => drills?.isMuted(home) ?? false
  /** Tells the responders which homes to answer from now on. */
  const serve = (): void => {
    visitors.serve(store.document)
    const { homes } = store.document
    heartbeats?.serve(hubAddressIn(settings.current.network), homes, isNews, isMuted)
    echoes?.serve(homes, isMuted)
    transports?.serve(homes, settings.current.port)
  }
  const newSettings = makeNewSettings({ settings, store, ownNetworks: deps.ownNetworks, onTaken: serve, log })
  /** Networks of this machine that overlap those of homes, or the tunnel's: they may have come later. */
  const overlapping = async (): Promise<readonly string[]> =>
    overlapWarnings(store.document, settings.current.network, await deps.ownNetworks(settings.current.interface))
  let alarm: Alarm = null
  const telling = tellingAudit(audit, () => alarm?.tell ?? null)
  const wishes = makeWishes({ kept: deps.requests ?? unwrittenRequests(), audit: telling, today: clock.wall, log })
  let proving: Proving | null = null
  let drills: Drills | null = null
  const wayIn = makeWayIn(visitPorts, settings, () => store.document.publications, log)
  const status = async (): Promise<HubStatus> =>
    hubStatus({
      config: settings.current,
      identity,
      document: led.document,
      withNote: sources.withNote,
      standingOf: (listed) => proving?.of(listed) ?? null,
      // A machine that cannot be described has a problem, which reconciling reports.
      machine: await adapter.describe(AbortSignal.timeout(10_000)).catch(() => null),
      peerMonitor,
      heartbeats,
      presences,
      transports,
      mappings: deps.mappings,
      registrations,
      alternatePorts: await machine.portsToTake(),
      kept: ssh.kept(),
      problem: machine.problem,
      notes: [...(await machine.notes()), ...(drills?.notes() ?? [])],
      warnings: [
        ...(deps.ownFiles?.warnings() ?? []),
        ...newSettings.warnings(),
        ...sharedWarnings(identities, store.document.homes),
        ...(await machine.warnings()),
        ...(await overlapping()),
        ...(await wayIn.warnings(heartbeats !== null)),
      ],
      requests: wishes.list(),
      hasHeard: told.hasHeard,
      ...(deps.version === undefined ? {} : { version: deps.version }),
      now: clock.now(),
      today: clock.wall(),
    })
  const alerting = await deps.openAlerting(status)
  alarm = alerting
  const ownDrills = makeDrills({
    settings: () => settings.current,
    document: () => store.document,
    alternatePorts: machine.portsToTake,
    peerMonitor,
    deviceUse: makeDeviceUse(peerMonitor.statsOf),
    senderBlock,
    alerting,
    clock,
    log,
  })
  drills = ownDrills
  const signs = alerting === null ? null : makeHomeSigns(alerting, peerMonitor, presences, clock)
  const update = makeUpdate({
    settings,
    store,
    ownNetworks: deps.ownNetworks,
    onChange: serve,
    keys: identity,
    audit: telling,
    clock,
  })
  const { followExpiry, ...devices } = makeDeviceService({
    settings,
    identity,
    store,
    update,
    wishes,
    machine,
    statsOf: peerMonitor.statsOf,
    today: clock.wall,
    log,
  })
  const identityChange = makeIdentityChange({
    identity,
    settings,
    store,
    update,
    machine,
    peerMonitor,
    isHeard: heartbeats === null ? null : (home) => presences.of(home).kind === 'heard',
    gathered,
    visitors,
    audit: telling,
    today: clock.wall,
    log,
  })
  const recoverSessions = async (): Promise<void> => {
    // A change waits some seconds for the homes.
    void identityChange.settle()
    await followExpiry().catch((thrown: unknown) =>
      log.error({ why: reasonOf(thrown) }, 'devices that expired could not be taken out'),
    )
    ownDrills.look()
    await presences.note(store.document.homes)
    signs?.look(store.document.homes)
    identities.keep(store.document.homes.map(({ name }) => name))
    await noteMappings(store.document.homes, deps)
    await machine.recoverSessions()
  }
  const measuring = makeSourceMeasuring({
    store,
    sources,
    isReady: (home) => heartbeats !== null && visitors.isReady(home),
    follow: machine.reconcileOrLog,
    measure: measureAnswerPath,
    clock,
    log,
  })
  const { proof, outgoing } = makeProofFacts({
    machineProblem: () => machine.problem?.message ?? null,
    heartbeats,
    visitors,
    measuring,
    sources,
    clock,
  })
  if (alerting !== null)
    proving = makeProving({
      document: () => store.document,
      everySeconds: () => settings.current.checkEverySeconds,
      check: makeQuickCheck({ store, sources, ssh, wayIn, proof }),
      ...provingPresence(store, presences),
      alerting,
      onNews: visitors.haveNews,
      kept: deps.proofs ?? NOTHING_KEPT,
      clock,
      log,
    })
  const homes = makeHomes({
    ...deps,
    identities,
    audit: telling,
    measuring,
    proving,
    update,
    wishes,
    machine,
    presences,
    visitors,
    gathered,
    givenChannels,
    told,
    alerting,
    registrations,
    recoverSessions,
  })
  const publications = makePublishing({
    settings,
    store,
    sources,
    update,
    wishes,
    machine,
    adapter,
    served: deps.servedPorts,
    ssh,
    wayIn,
    proof,
    outgoing,
    proving,
    today: clock.wall,
    log,
  })
  serve()

  const logOverlaps = makeLogOnce(log)

  const hub: Hub = {
    ...homes,
    ...devices,
    get config() {
      return settings.current
    },
    identity: {
      rotate: identityChange.rotate,
      report: identityChange.report,
      successions: () => identity.handOver.successions,
    },
    testAlerts: makeAlertTests(alerting, clock),
    alertChannels: () => alerting?.channels() ?? null,
    testOwnAlerts: async (channel) => (await alerting?.test(channel)) ?? null,
    publications,
    members: makeMembers({
      store,
      update,
      wishes,
      publications,
      machine,
      onDecided: visitors.haveNews,
      today: clock.wall,
      log,
    }),
    drills: ownDrills,
    revokeOther: makeRevokeOther({ store, identities, update, invite: homes.invite, machine, log }),
    arrivals: (caller, nonce, from) =>
      watchArrivals(watchPackets, {
        nonce,
        from,
        port: settings.current.port,
        endpoint: peerMonitor.endpoint(caller.publicKey),
        tunnel: settings.current.interface,
      }),
    status,
    document: () => store.document,
    reconcile: machine.reconcile,
    reconcileOrLog: async () => {
      await newSettings.tryAgain()
      await machine.reconcileOrLog()
      logOverlaps(await overlapping())
    },
    isComplete: machine.isComplete,
    lookForSsh: machine.lookForSsh,
    recoverSessions,
    measureSources: measuring.all,
    provePublications: async (signal) => proving?.run(signal),
    proveWayIn: wayIn.prove,
    previewNetwork: newSettings.previewNetwork,
    reconfigure: newSettings.take,
    noteRefused: newSettings.noteRefused,
    close: async () => {
      await ownDrills.close()
      heartbeats?.close()
      echoes?.close()
      transports?.close()
      await ssh.close()
      await identityChange.settled()
      await machine.settled()
      await deps.mappings.save('now')
      await identities.settled()
      await audit.settled()
      await adapter.close()
    },
  }
  return { hub, alerting }
}
