import { networkInterfaces } from 'node:os'
import type { Adapter } from '../adapters/adapter.ts'
import { blockSender, unblockSenders } from '../adapters/linux/packets/block-sender.ts'
import { visitPorts } from '../adapters/linux/packets/visit.ts'
import { watchPackets } from '../adapters/linux/packets/watch.ts'
import { canonicalPrefix } from '../net/prefix.ts'
import { asProblem } from '../problems/problem.ts'
import { systemClock } from '../system/time/clock.ts'
import { damagedFiles } from '../system/files/damaged-files.ts'
import type { Log } from '../system/process/log.ts'
import type { PresharedKey, PublicKey } from '../wireguard/keys.ts'
import { hubAddressIn, networkInForce } from './core/tunnel-network.ts'
import { type HubConfig, readHubConfig } from './settings/config.ts'
import { keepLastGood, readOrLastGood } from '../system/files/last-good.ts'
import { makeSettings } from './settings/settings.ts'
import type { Hub } from './service/hub.ts'
import { makeHub } from './service/make-hub.ts'
import type { Alarm, HubDeps } from './service/hub-deps.ts'
import { makeOwnNetworks } from './machine/own-networks.ts'
import { openIdentity, type OwnIdentity } from './settings/own-identity.ts'
import type { HubPaths } from './settings/paths.ts'
import { makeOwnFiles, type OwnFiles } from './own-files/own-files.ts'
import { openIdentities } from './presence/kept/kept-identities.ts'
import { openHeardOnce } from './presence/kept/heard-once.ts'
import { openMappings } from './presence/kept/mappings.ts'
import { openHiddenHosts } from './store/hidden-hosts.ts'
import { openKeptStandings } from './proving/kept-standings.ts'
import { openAuditLog } from './audit/audit-log.ts'
import { openStore, type Store } from './store/store.ts'
import { openWaitingRequests } from './store/waiting-requests.ts'
import { servedPorts } from './machine/ports/served-ports.ts'
import { closedPortsAsked } from './machine/ports/closed-ports.ts'
import { openKeptPorts } from './machine/ports/kept-ports.ts'
import { openSshPorts } from './machine/ports/ssh-ports.ts'
import { tooManyNotes } from './report/status.ts'
import { type LastEndpoints, openLastEndpoints } from './presence/kept/last-endpoints.ts'
import { makePeerMonitor, type PeerMonitor } from './presence/peer-monitor.ts'
import { makePeerView } from './presence/peer-view.ts'

/** Makes the adapter for the machine that the hub runs on, given where its secrets are. */
export type AdapterMaker = (secrets: {
  readonly privateKeyFile: () => string
  readonly presharedKeys: (publicKey: PublicKey) => PresharedKey | undefined
}) => Adapter

export interface OpenHub<Opened> {
  readonly hub: Hub
  readonly identity: OwnIdentity
  readonly peerMonitor: PeerMonitor
  readonly lastEndpoints: LastEndpoints
  readonly ownFiles: OwnFiles
  /** null where no daemon runs. */
  readonly alerting: Opened
}

/** Services that answer homes, and tell people of them. */
type Responders<Opened extends Alarm> = Pick<
  HubDeps<Opened>,
  'heartbeats' | 'echoes' | 'transports' | 'viewOf' | 'openAlerting'
>

/**
 * Opens the hub on its files.
 * @throws {Problem} `hub-not-initialised`, `config-*`, `secret-exposed`, `store-*`.
 */
export async function openHub<Opened extends Alarm>(
  paths: HubPaths,
  makeAdapter: AdapterMaker,
  version: string,
  log: Log,
  makeResponders: (peerMonitor: PeerMonitor) => Responders<Opened>,
): Promise<OpenHub<Opened>> {
  for (const path of await damagedFiles(paths.stateDir))
    log.warn({ path }, 'a file of what this hub remembers is damaged: what can be is learned again')
  const { settings: written, notInForce } = await readOrLastGood(paths.config, paths.lastGoodConfig, readHubConfig)
  if (notInForce === null) await keepLastGood(paths.config, paths.lastGoodConfig)
  else log.error({ path: paths.config }, `${notInForce} What it said before stays in force.`)
  const identity = await openIdentity(paths)
  const store = await openStore(paths.store, version, systemClock)
  const network = networkInForce(store.document, written.network, runningNetwork(written.interface))
  const settings = makeSettings({ ...written, network })
  for (const note of tooManyNotes(store.document)) log.warn(note)
  const peerMonitor = makePeerMonitor(() => settings.current.interface, systemClock, log)
  const ownFiles = makeOwnFiles({
    paths,
    identity,
    store,
    interfaceName: () => settings.current.interface,
    clock: systemClock,
    log,
  })
  const lastEndpoints = await openLastEndpoints(paths.lastEndpoints, systemClock, log)
  const { hub, alerting } = await makeHub({
    version,
    settings,
    identity,
    store,
    ownFiles,
    adapter: makeAdapter({ privateKeyFile: ownFiles.privateKeyFile, presharedKeys: presharedKeysIn(store) }),
    peerMonitor,
    lastEndpoints,
    mappings: await openMappings(paths.mappings, systemClock, log),
    heardOnce: await openHeardOnce(paths.heardOnce, systemClock, log),
    hiddenHosts: await openHiddenHosts(paths.hiddenHosts, log),
    requests: await openWaitingRequests(paths.requests, log),
    identities: await openIdentities(paths.identities, systemClock, log),
    audit: openAuditLog(paths.audit, systemClock, log),
    ...makeResponders(peerMonitor),
    proofs: await openKeptStandings(paths.proofs, systemClock, log),
    ownNetworks: makeOwnNetworks(systemClock),
    servedPorts,
    closedPortsAsked,
    ssh: await openKeptPorts({
      path: paths.keptPorts,
      notFor: () => hubAddressIn(settings.current.network),
      ssh: await openSshPorts({
        path: paths.sshPorts,
        isOwn: (port) => port === settings.current.port,
        clock: systemClock,
        log,
      }),
      clock: systemClock,
      log,
    }),
    watchPackets,
    visitPorts,
    senderBlock: { block: blockSender, unblock: unblockSenders },
    clock: systemClock,
    log,
  })
  await peerMonitor.look()
  await takeNetwork(hub, written, log)
  if (notInForce !== null) hub.noteRefused(`hub.yaml is not in force: ${notInForce}`, null)
  return { hub, identity, peerMonitor, lastEndpoints, ownFiles, alerting }
}

/** Takes the network that hub.yaml has got since, as a running hub does; where that is refused, the old one stays. */
async function takeNetwork(hub: Hub, written: HubConfig, log: Log): Promise<void> {
  if (written.network === hub.config.network) return
  try {
    await hub.reconfigure(written)
  } catch (thrown) {
    const { code, message } = asProblem(thrown, 'taking the network in hub.yaml')
    log.error({ code }, `${message} The network ${hub.config.network} stays in force.`)
    hub.noteRefused(`hub.yaml is not in force: ${message}`, written)
  }
}

/** The network of the interface as it stands; null: it is not there. */
function runningNetwork(name: string): string | null {
  const own = networkInterfaces()[name]?.find(({ family, cidr }) => family === 'IPv4' && cidr !== null)
  return own?.cidr == null ? null : canonicalPrefix(own.cidr)
}

/** No responders, where no daemon runs; the peer monitor looks once. */
export function nobody(peerMonitor: PeerMonitor): Responders<null> {
  return {
    heartbeats: null,
    echoes: null,
    transports: null,
    openAlerting: async () => null,
    viewOf: makePeerView(peerMonitor, null, async () => null),
  }
}

/** Looks a key up, once per peer and apply: through a table, made again when the store changed. */
function presharedKeysIn(store: Store): (publicKey: PublicKey) => PresharedKey | undefined {
  let of: Store['document'] | null = null
  let keys = new Map<PublicKey, PresharedKey>()
  return (publicKey) => {
    if (of !== store.document) {
      of = store.document
      keys = new Map(of.devices.map((device) => [device.publicKey, device.presharedKey]))
    }
    return keys.get(publicKey)
  }
}
