import type { Description } from '../../adapters/adapter.ts'
import type { Problem } from '../../problems/problem.ts'
import {
  entryCount,
  type ListedPublication,
  MOST_PUBLISHED_ENTRIES,
  type PublicationStanding,
  rangeText,
  withStanding,
} from '../../protocol/publications.ts'
import { cutPeriod } from '../../wireguard/cut-period.ts'
import { formatEndpoint } from '../../wireguard/spec.ts'
import type { TransportMetrics, Transports } from '../transport/transports.ts'
import type { HubConfig } from '../settings/config.ts'
import type { HeartbeatResponder } from '../presence/heartbeat-responder.ts'
import type { MappingHistory, Mappings } from '../presence/kept/mappings.ts'
import type { OwnIdentity } from '../settings/own-identity.ts'
import { identityNotes, type IdentityReport, identityReport } from './identity-report.ts'
import type { Presence, Presences } from '../presence/presence.ts'
import { requestNotes } from '../rights/member-facts.ts'
import type { WaitingRequest } from '../rights/requests.ts'
import { type Home, isOpen, type StoreDocument } from '../core/store-document.ts'
import { type HubKeys, namesOldKey, neededFile } from '../core/device-files.ts'
import { forwardedPorts, type KeptPorts } from '../core/forwarded-ports.ts'
import { listedPublications, outside } from '../core/publications.ts'
import { hubAddressIn } from '../core/tunnel-network.ts'
import { farApart } from '../../protocol/neighbours.ts'
import type { PeerStats, PeerMonitor } from '../presence/peer-monitor.ts'

/** The answer of `hub status --json` without what only the caller knows: version, and whether a daemon runs. */
export interface HubStatus {
  readonly hub: {
    readonly addresses: readonly string[]
    readonly port: number
    readonly interface: string
    readonly network: string
    /** The hub's address inside the tunnel. */
    readonly address: string
    readonly publicKey: string
    readonly certificate: string
    /** Where a change of both stands. A daemon started before an upgrade does not report it. */
    readonly handOver?: Pick<IdentityReport, 'since' | 'next' | 'homes'>
    /** null, as for `dataPlane`: unknown. */
    readonly model: string | null
    readonly dataPlane: 'kernel' | 'userspace' | null
  }
  readonly alternatePorts: { readonly wanted: readonly number[]; readonly effective: readonly number[] }
  readonly homes: readonly HomeStatus[]
  readonly invites: readonly { readonly home: string; readonly address: string; readonly expiresAt: string }[]
  readonly devices: readonly DeviceStatus[]
  readonly publications: readonly ListedPublication[]
  /** Seconds since the peer monitor last saw the interface; null: never. */
  readonly witnessSeconds: number | null
  /** Why interface and firewall are not in the desired state. */
  readonly problem: { readonly code: string; readonly message: string; readonly next: string } | null
  /**
   * Foreign settings on this machine that hinder the tunnel, for their owner to change; lines to paste follow some. A
   * daemon started before an upgrade does not report them.
   */
  readonly warnings?: readonly string[]
  /** Other facts that a person should know. */
  readonly notes: readonly string[]
}

interface PeerStatus {
  readonly name: string
  readonly address: string
  readonly connected: boolean
  /** The mapping, as the hub sees it. */
  readonly endpoint: string | null
  readonly lastHandshakeSeconds: number | null
  readonly rxBytes: number
  readonly txBytes: number
}

export interface HomeStatus extends PeerStatus {
  /** `awaited`: not heard since the home joined, or since the hub began a moment ago. `heard`: `connected` is true. */
  readonly presence: Presence['kind']
  readonly lan: readonly string[]
  readonly joinedAt: string
  readonly lastHeartbeatSeconds: number | null
  /** The home's TLS transport, which it uses since its UDP does not get through; null: it uses none. */
  readonly carrier: TransportMetrics | null
  /** null: never seen. */
  readonly mapping: (MappingHistory & { readonly cutPeriod: { readonly hours: number } | null }) | null
  /** The last registration since the daemon started; null: none. */
  readonly registration: {
    readonly at: string
    readonly secondsAgo: number
    readonly count: number
    /** Which homeward the home runs; null: one that does not say. */
    readonly runs: string | null
    /** Whether the home has heard at which addresses the hub is reached now. */
    readonly knowsAddresses: boolean
  } | null
}

export interface DeviceStatus extends PeerStatus {
  /** The home that added the device; null when it was the hub. */
  readonly home: string | null
  readonly addedAt: string
}

/** The last registration, kept in memory only: every home registers every ten minutes, and storage wears. */
export interface RegistrationNote {
  readonly at: string
  readonly monotonic: number
  readonly count: number
  readonly runs: string | null
}

export interface StatusDeps {
  readonly config: HubConfig
  readonly identity: Pick<OwnIdentity, 'publicKey' | 'fingerprint' | 'firstKey' | 'handOver'>
  /** Its publications are as they are led. */
  readonly document: StoreDocument
  /** Adds to a publication why it is led otherwise than it was wanted. Default: none is. */
  readonly withNote?: (listed: ListedPublication) => ListedPublication
  /** What the hub's own checks know of a publication. Default: it does not check by itself. */
  readonly standingOf?: (listed: ListedPublication) => PublicationStanding | null
  readonly machine: Description | null
  readonly peerMonitor: PeerMonitor
  readonly heartbeats: Pick<HeartbeatResponder, 'heardSeconds'> | null
  readonly presences: Pick<Presences, 'of'>
  readonly transports: Transports | null
  readonly mappings: Pick<Mappings, 'of'>
  readonly registrations: ReadonlyMap<string, RegistrationNote>
  readonly alternatePorts: readonly number[]
  /** Ports that publications leave to programs of this machine; default: only 22. */
  readonly kept?: KeptPorts
  readonly problem: Problem | null
  readonly warnings: readonly string[]
  /** What homes ask of the owner. Default: nothing. */
  readonly requests?: readonly WaitingRequest[]
  /** What the machine's follower notes. Default: nothing. */
  readonly notes?: readonly string[]
  /** Whether a home has heard at which addresses the hub is reached now. Default: none has. */
  readonly hasHeard?: (home: string) => boolean
  /** Of this homeward. Default: nothing is compared with it. */
  readonly version?: string
  /** Monotonic milliseconds. */
  readonly now: number
  readonly today: Date
}

/** After what silence a device counts as gone. It has no agent: above a keepalive's 25 s, with room for lost ones. */
const SILENT_AFTER_SECONDS = 75

/** After this age of the last handshake no session is alive (REJECT_AFTER_TIME). */
const HANDSHAKE_DEAD_SECONDS = 180

export function hubStatus(deps: StatusDeps): HubStatus {
  const { config, identity, document, machine, peerMonitor, heartbeats, transports, problem } = deps
  const taken = config.alternatePorts.filter((port) => port !== config.port && !deps.alternatePorts.includes(port))
  return {
    hub: {
      addresses: config.addresses,
      port: config.port,
      interface: config.interface,
      network: config.network,
      address: hubAddressIn(config.network),
      publicKey: identity.publicKey,
      certificate: identity.fingerprint,
      handOver: handOverOf(identityReport(identity, document)),
      model: machine?.model ?? null,
      dataPlane: machine?.dataPlane ?? null,
    },
    alternatePorts: { wanted: config.alternatePorts, effective: deps.alternatePorts },
    homes: document.homes.map(homeStatus),
    invites: document.invites
      .filter((invite) => isOpen(invite, deps.today))
      .map(({ home, address, expiresAt }) => ({ home, address, expiresAt })),
    devices: document.devices.map(({ name, address, publicKey, home, addedAt }) => ({
      ...peerStatus(name, address, peerMonitor.statsOf(publicKey), isConnected(peerMonitor.statsOf(publicKey))),
      home,
      addedAt,
    })),
    publications: listedPublications(document, null, forwardedPorts(document.publications, deps.kept))
      .map(deps.withNote ?? ((listed) => listed))
      .map((listed) => withStanding(listed, deps.standingOf?.(listed) ?? null)),
    witnessSeconds: peerMonitor.ageSeconds(),
    problem: problem === null ? null : { code: problem.code, message: problem.message, next: problem.next },
    warnings: deps.warnings,
    notes: [
      ...taken.map((port) => `${port}/udp is used by another program of this machine and left to it`),
      ...requestNotes(deps.requests ?? []),
      ...(deps.notes ?? []),
      ...tooManyNotes(document),
      ...farNotes(deps),
      ...identityNotes(identity, document),
      ...deviceNotes(document, config.network, identity),
      ...document.publications.flatMap((one) => {
        const why = outside(document, one)
        return why === null ? [] : [`${rangeText(one)} leads nowhere: ${why}`]
      }),
    ],
  }

  function homeStatus(home: Home): HomeStatus {
    const heartbeat = heartbeats?.heardSeconds(home.address) ?? null
    const note = deps.registrations.get(home.name)
    const presence = deps.presences.of(home).kind
    return {
      ...peerStatus(home.name, home.address, peerMonitor.statsOf(home.publicKey), presence === 'heard'),
      presence,
      lan: home.lan,
      joinedAt: home.joinedAt,
      lastHeartbeatSeconds: heartbeat,
      carrier: transports?.metrics(home.name) ?? null,
      mapping: mappingStatus(deps.mappings.of(home.name)),
      registration:
        note === undefined
          ? null
          : {
              at: note.at,
              secondsAgo: (deps.now - note.monotonic) / 1000,
              count: note.count,
              runs: note.runs,
              knowsAddresses: deps.hasHeard?.(home.name) ?? false,
            },
    }
  }
}

/** Notes on too many published ports, which the store of an older hub may hold. */
export function tooManyNotes({ publications }: StoreDocument): readonly string[] {
  const count = entryCount(publications)
  if (count <= MOST_PUBLISHED_ENTRIES) return []
  return [
    `${count} ports are published one by one, and a hub forwards ${MOST_PUBLISHED_ENTRIES} so at most: small publications first, so that the largest lead to less; homeward publish list says which, homeward publish remove PORT/tcp makes room`,
  ]
}

/** Notes on homes whose homeward was never tried with this one. */
function farNotes({ version, document, registrations }: StatusDeps): readonly string[] {
  return document.homes.flatMap(({ name }) => {
    const runs = registrations.get(name)?.runs ?? null
    if (version === undefined || runs === null) return []
    const far = farApart({ name, runs }, { name: 'this hub', runs: version })
    return far === null ? [] : [far]
  })
}

/** Notes on devices whose files are too old for what they shall reach, or for the hub's key. */
function deviceNotes(document: StoreDocument, network: string, keys: HubKeys): readonly string[] {
  return document.devices.flatMap((device) => {
    const isOldKey = namesOldKey(device, keys)
    if (device.file === undefined && !isOldKey) return []
    const { address, allowedIps } = neededFile(device, document, network)
    const key = isOldKey ? `PublicKey = ${keys.publicKey}, ` : ''
    return [
      `the device ${device.name} needs a new file (${key}Address = ${address}/32, AllowedIPs = ${allowedIps.join(', ')}): homeward device list says what to do`,
    ]
  })
}

function handOverOf({ since, next, homes }: IdentityReport): Pick<IdentityReport, 'since' | 'next' | 'homes'> {
  return { since, next, homes }
}

/** A mapping's history for status; a change after a silence of the home's own says nothing of the carrier. */
function mappingStatus(history: MappingHistory | null): HomeStatus['mapping'] {
  if (history === null) return null
  const cuts = history.recent.filter(({ ended }) => ended !== 'silence').map(({ at }) => at)
  return { ...history, cutPeriod: cutPeriod(cuts) }
}

function peerStatus(name: string, address: string, seen: PeerStats | null, connected: boolean): PeerStatus {
  return {
    name,
    address,
    connected,
    endpoint: seen?.endpoint ? formatEndpoint(seen.endpoint) : null,
    lastHandshakeSeconds: seen?.lastHandshakeSeconds ?? null,
    rxBytes: seen?.rxBytes ?? 0,
    txBytes: seen?.txBytes ?? 0,
  }
}

/**
 * Whether a device was heard of lately. Where nobody has watched long enough to say, the handshake decides, which is a
 * slow clock. For homes: presence.ts.
 */
function isConnected(seen: PeerStats | null): boolean {
  if (seen === null) return false
  if (seen.heardSeconds !== null) return seen.heardSeconds <= SILENT_AFTER_SECONDS
  return seen.lastHandshakeSeconds !== null && seen.lastHandshakeSeconds <= HANDSHAKE_DEAD_SECONDS
}
