import type { Observation } from '../../adapters/observation.ts'
import { type RouterTrouble } from '../../adapters/router-trouble.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import type { ChannelStatus } from '../../alerts/delivery/courier.ts'
import type { IncidentRecord } from '../../protocol/incidents.ts'
import type { PublishedStandings } from '../../protocol/publications.ts'
import { formatEndpoint } from '../../wireguard/spec.ts'
import { REKEY_AFTER_TIME } from '../../wireguard/timers.ts'
import type { Calendar } from '../../system/time/calendar.ts'
import type { Cgnat } from '../probes/cgnat.ts'
import type { Cause } from '../core/evidence/cause.ts'
import { causeOf, type Health, heartbeatGapMs } from '../core/evidence/health.ts'
import type { RemedyKind } from '../core/ladder.ts'
import { lossRatio } from '../core/evidence/heartbeats.ts'
import type { Registrar } from '../core/evidence/registration.ts'
import { calmGapMs, EARLY_MS } from '../core/watch.ts'
import type { Watch } from '../core/state.ts'
import type { TunnelReading } from '../tunnel/reading.ts'
import { tunnelAddress } from '../tunnel/plan/tunnel-spec.ts'
import { howToEndSharing } from '../core/shared-home.ts'
import { howToJoinAgain, isUnknownAtHub } from '../core/unknown-home.ts'

/** The answer of `homeward status --json`: a contract, since scripts rely on it. Moments: ISO 8601, UTC, seconds. */
export interface Status {
  readonly version: string
  readonly home: string
  readonly router: {
    readonly kind: string
    readonly model: string | null
    readonly dataPlane: 'kernel' | 'userspace' | null
    /** Foreign settings on this machine that hinder the tunnel, for their owner to change. */
    readonly warnings: readonly string[]
    /** The router as it last answered; only there while it cannot be looked at, if it did since the agent began. */
    readonly lastSeen?: LastSeen
  }
  readonly hub: { readonly addresses: readonly string[]; readonly port: number; readonly registrar: Registrar }
  readonly tunnel: {
    readonly state: Health['kind']
    readonly since: string
    /** The proven cause; null while the tunnel is up, and while nothing is proven. */
    readonly cause: Cause | null
    /** Advice to the owner; null where waiting is all there is, and while a remedy is under way. */
    readonly next: string | null
    /** The remedy that is being tried right now. */
    readonly remedy: RemedyKind | null
    /** Troubles while the tunnel carries, and fallbacks or limits that the tunnel puts up with. */
    readonly notes: readonly Note[]
    readonly interface: string
    readonly address: string
    readonly endpoint: string | null
    readonly listenPort: number | null
    readonly lastHandshakeSeconds: number | null
    readonly rxBytes: number
    readonly txBytes: number
    readonly mtu: number
    readonly keepaliveSeconds: number
    readonly heartbeat: {
      readonly answeredSecondsAgo: number | null
      readonly rttMs: number | null
      readonly lossRatio: number
      readonly intervalSeconds: number
      /** Bytes on the wire, both ways, while nobody uses the tunnel: heartbeats and the handshakes of a day. */
      readonly idleBytesPerDay: number
    }
  }
  readonly mapping: {
    readonly address: string | null
    readonly port: number | null
    readonly since: string | null
    readonly changes: number
    readonly carrierNat: Cgnat
    /** The longest silence that a flow of this line survived; null: not measured yet. */
    readonly lifeSeconds: number | null
    /** The interval at which the carrier cuts flows; null: it does not, or too few cuts were seen. */
    readonly cutPeriod: { readonly hours: number } | null
  }
  readonly registration: { readonly at: string | null; readonly count: number }
  /** The home's publications as the hub's own checks know them, those that fail first; missing: there are none. */
  readonly published?: PublishedStandings
  /** The way in which a drill breaks the tunnel just now, and until when; missing: no drill does. */
  readonly drill?: { readonly way: string; readonly until: string }
  /** The newest outage, over or not; null: none is remembered. */
  readonly lastIncident: IncidentRecord | null
  /** A few outages, the newest first; missing: none is remembered, or the agent is older. */
  readonly recentOutages?: readonly IncidentRecord[]
  /** The channels of alerts.yaml, and how many messages wait for each. */
  readonly alerts: { readonly channels: readonly ChannelStatus[] }
  /** Only there when the agent's loop is late: then all of this is old. */
  readonly stale?: true
}

/**
 * `hub-daemon-silent`: WireGuard carries, homeward on the hub does not answer. `registrar-unreachable`: the hub cannot
 * be reached outside the tunnel. `registrar-refusing`: it answers there, but not as it should. `router-…`: the router
 * cannot be looked at, so nothing can be changed on it; see `RouterTrouble`. `clock-behind`: the tunnel waits for this
 * machine's clock. `tcp-carrier`, `other-way`: the tunnel uses a fallback. `smaller-mtu`: full-size packets got lost.
 */
export type Note =
  | RouterTrouble
  | 'clock-behind'
  | 'hub-daemon-silent'
  | 'registrar-unreachable'
  | 'registrar-refusing'
  | 'tcp-carrier'
  | 'other-way'
  | 'smaller-mtu'

/** What a router showed of the tunnel at its last answer. */
interface LastSeen {
  readonly at: string
  readonly interface: 'up' | 'down' | 'missing'
  readonly listenPort: number | null
  readonly endpoint: string | null
}

/** Facts of the home, however many tunnels it has. */
interface HomeFacts {
  readonly version: string
  /** The longest silence this line's NATs survived; null: not measured. */
  readonly lifeSeconds: number | null
  /** How far the calendar is behind while the tunnel waits for it; null when it does not. */
  readonly clockBehindSeconds: number | null
  readonly lastIncident: IncidentRecord | null
  /** Default: none. */
  readonly recentOutages?: readonly IncidentRecord[]
  /** Default: there is none. */
  readonly drill?: Status['drill'] | null
  readonly channels: readonly ChannelStatus[]
  readonly now: number
  readonly calendar: Calendar
}

/** Facts of the home, and of the tunnel that speaks for it. */
export interface StatusFacts extends HomeFacts, Omit<TunnelReading, 'observed' | 'peer' | 'lastSeen'> {
  readonly observed: Pick<Observation, 'interfaces' | 'warnings'> | null
  readonly lastSeen: { readonly observed: Pick<Observation, 'interfaces'>; readonly at: number } | null
}

/** Pure: facts in, the contract's shape out. */
export function statusOf(facts: StatusFacts): Status {
  const { config, watch, calendar } = facts
  const { registration } = watch
  const hub = config.hub
  return {
    version: facts.version,
    home: config.home,
    router: {
      kind: config.router.kind,
      model: facts.description?.model ?? null,
      dataPlane: facts.description?.dataPlane ?? null,
      warnings: [...new Set([...(facts.observed?.warnings ?? []), ...facts.warnings])],
      ...lastSeenOf(facts),
    },
    hub: { addresses: hub.addresses, port: hub.port, registrar: registration.registrar },
    tunnel: tunnelOf(facts),
    mapping: mappingOf(facts),
    registration: {
      at: registration.succeededAt === null ? null : isoSeconds(calendar.at(registration.succeededAt)),
      count: registration.succeeded,
    },
    ...(facts.published === null || facts.published.count === 0 ? {} : { published: facts.published }),
    ...(facts.drill == null ? {} : { drill: facts.drill }),
    lastIncident: facts.lastIncident,
    ...((facts.recentOutages ?? []).length === 0 ? {} : { recentOutages: facts.recentOutages ?? [] }),
    alerts: { channels: facts.channels },
    ...(facts.stale ? { stale: true } : {}),
  }
}

function lastSeenOf({ observed, lastSeen, config, calendar }: StatusFacts): { readonly lastSeen?: LastSeen } {
  if (observed !== null || lastSeen === null || config.router.kind === 'linux') return {}
  const own = tunnelIn(lastSeen.observed, config.interface)
  const endpoint = own?.peers.find((peer) => peer.publicKey === config.hub.publicKey)?.endpoint ?? null
  return {
    lastSeen: {
      at: isoSeconds(calendar.at(lastSeen.at)),
      interface: own === null ? 'missing' : own.up ? 'up' : 'down',
      listenPort: own?.listenPort ?? null,
      endpoint: endpoint === null ? null : formatEndpoint(endpoint),
    },
  }
}

/** Advice where waiting does not help. */
function nextFor(watch: Watch, home: string): string | null {
  if (isUnknownAtHub(watch)) return howToJoinAgain(home)
  return causeOf(watch.health) === 'identity-twice' ? howToEndSharing(home) : null
}

function tunnelOf(facts: StatusFacts): Status['tunnel'] {
  const { config, watch, calendar, now, lastHandshakeSeconds, clockBehindSeconds } = facts
  const observed = tunnelIn(facts.observed, config.interface)
  const isUnseen = facts.observed === null && config.router.kind !== 'linux'
  const { health, heartbeats } = watch
  const hub = config.hub
  const peer = observed?.peers.find((one) => one.publicKey === hub.publicKey)
  const endpoint = peer?.endpoint ?? null
  const lastSentAt = heartbeats.lastSentAt ?? now
  const gapMs = heartbeatGapMs(health, heartbeats.missesInARow, calmGapMs(watch), lastSentAt)
  return {
    state: health.kind,
    since: isoSeconds(calendar.at(health.since)),
    cause: causeOf(health),
    next: nextFor(watch, config.home),
    remedy: watch.remediation.underWay?.remedy.kind ?? null,
    notes: [
      ...(clockBehindSeconds === null ? [] : (['clock-behind'] as const)),
      ...(isUnseen ? [facts.routerTrouble ?? 'router-refusing'] : []),
      ...notesOf(facts),
    ],
    interface: config.interface,
    address: tunnelAddress(config),
    endpoint: endpoint === null ? null : formatEndpoint(endpoint),
    listenPort: observed?.listenPort ?? null,
    lastHandshakeSeconds: lastHandshakeSeconds === null ? null : Math.round(lastHandshakeSeconds),
    rxBytes: peer?.rxBytes ?? 0,
    txBytes: peer?.txBytes ?? 0,
    mtu: observed?.mtu ?? config.mtu,
    keepaliveSeconds: peer?.keepaliveSeconds ?? config.keepaliveSeconds,
    heartbeat: {
      answeredSecondsAgo:
        heartbeats.answeredAt === null ? null : round(Math.max(0, now - heartbeats.answeredAt) / 1_000, 1),
      rttMs: heartbeats.roundTrip === null ? null : round(heartbeats.roundTrip.lastMs, 1),
      lossRatio: round(lossRatio(heartbeats), 3),
      intervalSeconds: gapMs / 1_000,
      idleBytesPerDay: idleBytesPerDay(watch.settings.heartbeatMs - EARLY_MS),
    },
  }
}

/** A heartbeat and its answer: 108 bytes each over IPv4; a handshake and the packet after it: 356, each two minutes. */
function idleBytesPerDay(heartbeatMs: number): number {
  const dayMs = 86_400_000
  return Math.round((dayMs / heartbeatMs) * 2 * 108 + (dayMs / (REKEY_AFTER_TIME + heartbeatMs)) * 356)
}

function notesOf({ isOnTransport, watch }: Pick<StatusFacts, 'isOnTransport' | 'watch'>): readonly Note[] {
  const { health, isDaemonSilent, registration, fallback, pathMtu } = watch
  const isOtherWay = fallback !== null && fallback.trial === null && fallback.on !== 'transport'
  return [
    ...(health.kind === 'up' && isDaemonSilent ? (['hub-daemon-silent'] as const) : []),
    ...(health.kind === 'up' && registration.registrar === 'unreachable' ? (['registrar-unreachable'] as const) : []),
    ...(health.kind === 'up' && registration.registrar === 'refusing' ? (['registrar-refusing'] as const) : []),
    ...(isOnTransport ? (['tcp-carrier'] as const) : isOtherWay ? (['other-way'] as const) : []),
    ...(pathMtu.mtu < pathMtu.configured ? (['smaller-mtu'] as const) : []),
  ]
}

function mappingOf({
  watch,
  calendar,
  cgnat,
  earlierMappingSince,
  lifeSeconds,
  cutPeriod,
}: StatusFacts): Status['mapping'] {
  const { current, changes } = watch.ledger
  return {
    address: current?.endpoint.address ?? null,
    port: current?.endpoint.port ?? null,
    since:
      current === null ? null : current.since === null ? earlierMappingSince : isoSeconds(calendar.at(current.since)),
    changes,
    carrierNat: cgnat,
    lifeSeconds,
    cutPeriod,
  }
}

export function isoSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
