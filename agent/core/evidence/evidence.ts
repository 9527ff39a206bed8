import { REJECT_AFTER_TIME, REKEY_AFTER_TIME } from '../../../wireguard/timers.ts'
import { type Endpoint, sameEndpoint } from '../../../wireguard/spec.ts'
import type { Cause } from './cause.ts'
import { type Heartbeats, missesThatCount } from './heartbeats.ts'
import { missedHandshakesMs } from './rekey.ts'
import type { RegistrationOutcome } from './registration.ts'

/**
 * The evidence of one silence, and the cause that it proves. Pure; times are monotonic milliseconds.
 *
 * Two tests split nearly everything: fresh UDP sockets to the hub, whose answers carry the hub's word of us, and the
 * registrar over TCP. A cause needs two kinds of evidence: heartbeats that were missed, and one of these. And since a
 * line that comes back may let them through a moment before the next heartbeat, more heartbeats must be missed after.
 */
export interface Evidence {
  /** The last round of echoes that ended. */
  readonly round: EchoRound | null
  /** Rounds in a row in which nothing answered. */
  readonly silentRounds: number
  /** Rounds in a row in which the endpoint in use was silent and another one answered. */
  readonly elsewhereRounds: number
  /** The hub's view of this home. `at`: when it was asked for, since the answer may be a while on its way. */
  readonly view: (PeerView & { readonly at: number }) | null
  /** Since when, without a silent round in between, something says that the hub is reachable; null: nothing does. */
  readonly reachedAt: number | null
  /** The registrar's last answer; null: not asked in this silence, or not ended yet. */
  readonly registrar: { readonly askedAt: number; readonly at: number; readonly reachable: boolean } | null
  /**
   * The registrar says that it does not know this home: since when, and how often in a row. null while it does not say
   * so, or the hub knows us otherwise. While this stands nothing else is concluded: a hub that does not know us answers
   * nothing of ours.
   */
  readonly unknown: { readonly since: number; readonly answers: number } | null
  /** The tunnel itself was asked for an answer of the hub's machine, in vain. */
  readonly isNotCarried: boolean
  /** `answersSince`: since when the beacons answer, without a silent test in between; null while none does. */
  readonly uplink: (Uplink & { readonly at: number; readonly answersSince: number | null }) | null
}

/** What the hub knows of this home; the same in an echo's answer and in a registration's. */
export interface PeerView {
  readonly peerKnown: boolean
  /** Seconds since the hub's WireGuard last shook hands with us; null: not since it has us as a peer. */
  readonly handshakeSeconds: number | null
  /** Seconds since the hub last heard anything authenticated from us; null: not since its daemon began. */
  readonly heardSeconds: number | null
  /** Seconds since an initiation last arrived from our public address, accepted or not; null: none lately. */
  readonly initiatedSeconds: number | null
}

/** One round of echoes by fresh sockets, one to each endpoint of the hub. */
export interface EchoRound {
  readonly askedAt: number
  /** Where the interface sends; null when there is none. The TLS transport's is on loopback. */
  readonly current: Endpoint | null
  readonly isTransport: boolean
  /** The first of all endpoints, whether it answered or not. */
  readonly preferred: Endpoint
  /** Endpoints that answered, best first. */
  readonly answered: readonly Endpoint[]
  readonly silent: readonly Endpoint[]
  /** Addresses that the hub's names resolve to now; null when there are no names, or they do not resolve. */
  readonly named: readonly string[] | null
}

export interface Uplink {
  /** null: the gateway cannot be tested. */
  readonly gateway: boolean | null
  /** Whether anything outside, other than the hub, answers. */
  readonly beacon: boolean | null
}

export const NO_EVIDENCE: Evidence = {
  round: null,
  silentRounds: 0,
  elsewhereRounds: 0,
  view: null,
  reachedAt: null,
  registrar: null,
  unknown: null,
  isNotCarried: false,
  uplink: null,
}

/** How many rounds in a row count at least: a single one may be one lost packet. */
const LEAST_ROUNDS = 2

/** How often a round asks each endpoint (agent/probes/echo-socket.ts). */
const ECHOES_OF_A_ROUND = 3

/** How many answers make a home unknown: one that is removed and joins again at this very moment is unknown for one. */
const UNKNOWN_ANSWERS_THAT_COUNT = 2

/** The age of a key at which its session must have been renewed: rekeying began at 120 s, and failed since. */
const RENEWED_BY_MS = REKEY_AFTER_TIME + 30_000

/** How much later counts as later: more than a round trip and the hub's own delay in looking at its WireGuard. */
const HEARD_LATER_MS = 1_500

/**
 * After this long without an answer the session's keys may be past REJECT_AFTER_TIME: at the last answer they were at
 * most REKEY_AFTER_TIME and a handshake old.
 */
const SESSION_MAY_BE_GONE_MS = REJECT_AFTER_TIME - REKEY_AFTER_TIME - 5_000

/** Whether an echo was ever answered: only then does the silence of echoes say something of UDP, not of a firewall. */
export type EchoTrust = 'trusted' | 'unproven'

export function noteRound(
  evidence: Evidence,
  round: EchoRound,
  view: PeerView | null,
  trust: EchoTrust,
  now: number,
): Evidence {
  const isElsewhere = round.answered.length > 0 && !isAmong(round.current, round.answered)
  const isSilent = round.answered.length === 0
  const after = {
    ...evidence,
    round,
    silentRounds: isSilent ? evidence.silentRounds + 1 : 0,
    elsewhereRounds: isElsewhere ? evidence.elsewhereRounds + 1 : 0,
    reachedAt: isSilent && trust === 'trusted' ? null : evidence.reachedAt,
    // Only a home that the hub knows gets an answer to its echo.
    unknown: isSilent || round.askedAt < (evidence.unknown?.since ?? 0) ? evidence.unknown : null,
  }
  return isSilent ? after : notePeerView(after, view, round.askedAt, now)
}

export function notePeerView(evidence: Evidence, view: PeerView | null, askedAt: number, now: number): Evidence {
  if (view === null) return evidence
  return { ...evidence, view: { ...view, at: askedAt }, reachedAt: evidence.reachedAt ?? now }
}

/**
 * Notes what the registrar answered, or that it did not.
 * @param unknownInARow how often it has said by now that it does not know this home.
 */
export function noteRegistrar(
  evidence: Evidence,
  registrar: NonNullable<Evidence['registrar']>,
  outcome: RegistrationOutcome,
  unknownInARow: number,
): Evidence {
  const asked = { ...evidence, registrar }
  switch (outcome) {
    case 'unknown':
      return {
        ...asked,
        // The hub's earlier view was of a home that it knew.
        view: null,
        reachedAt: null,
        unknown: { since: evidence.unknown?.since ?? registrar.at, answers: unknownInARow },
      }
    case 'refused':
      return asked
    case 'done':
    case 'unreachable':
      return { ...asked, unknown: null }
    default:
      return outcome satisfies never
  }
}

export function noteUplink(evidence: Evidence, uplink: Uplink, now: number): Evidence {
  const answersSince = uplink.beacon === true ? (evidence.uplink?.answersSince ?? now) : null
  return { ...evidence, uplink: { ...uplink, at: now, answersSince } }
}

export function noteNotCarried(evidence: Evidence): Evidence {
  return { ...evidence, isNotCarried: true }
}

/** The cause that is proven now; null while the evidence does not suffice. */
export function diagnose(evidence: Evidence, beats: Heartbeats, trust: EchoTrust, now: number): Cause | null {
  const { view, registrar, silentRounds, elsewhereRounds, reachedAt, unknown } = evidence
  if (unknown !== null) {
    const isProven = unknown.answers >= UNKNOWN_ANSWERS_THAT_COUNT && isMissedSince(beats, unknown.since)
    return isProven ? 'home-unknown' : null
  }
  const isMissed = isMissedSince(beats, reachedAt)
  const rounds = roundsThatCount(beats)
  if (silentRounds === 0 && elsewhereRounds > 0)
    return elsewhereRounds >= rounds && isMissed ? elsewhere(evidence) : null
  if (trust === 'trusted' && silentRounds > 0) {
    // A round that began before the registrar answered may have been part of an outage that ended in between.
    if (registrar?.reachable === true)
      return silentRounds >= rounds && (evidence.round?.askedAt ?? 0) >= registrar.at ? 'udp-blocked' : null
    return registrar === null ? null : lineOrHub(evidence, evidence.round?.askedAt ?? 0)
  }
  // Where echoes are answered, their first round of this silence is waited for: the registrar's word says nothing of UDP.
  if (trust === 'trusted' && evidence.round === null) return null
  if (view !== null && isMissed) return byPeerView({ view, beats, now })
  return registrar?.reachable === false && silentRounds > 0 ? lineOrHub(evidence, registrar.askedAt) : null
}

function byPeerView({
  view,
  beats,
  now,
}: {
  readonly view: PeerView & { readonly at: number }
  readonly beats: Heartbeats
  readonly now: number
}): Cause {
  if (!view.peerKnown) return 'peer-unknown'
  const silentMs = beats.answeredAt === null ? Infinity : view.at - beats.answeredAt
  if (isRefused(view, silentMs)) return 'handshake-refused'
  // Heartbeats were answered with a key for which no new one came: data passed, and handshakes did not.
  const { handshakeSeconds } = view
  const renewedByMs = Math.max(RENEWED_BY_MS, missedHandshakesMs(missesThatCount(beats)))
  if (handshakeSeconds !== null && handshakeSeconds * 1_000 - silentMs >= renewedByMs) return 'handshake-blocked'
  const isExpired = beats.answeredAt !== null && now - beats.answeredAt > SESSION_MAY_BE_GONE_MS
  if (handshakeSeconds === null || isExpired) return 'session-lost'
  // The last answered heartbeat was heard at that same moment. Heard clearly later: only the return path is dead.
  return view.heardSeconds !== null && view.heardSeconds * 1_000 + HEARD_LATER_MS < silentMs
    ? 'return-dead'
    : 'flow-dead'
}

/** An initiation came in this silence, and nothing followed that the hub's WireGuard accepted as ours. */
function isRefused({ initiatedSeconds, handshakeSeconds, heardSeconds }: PeerView, silentMs: number): boolean {
  if (initiatedSeconds === null || initiatedSeconds * 1_000 >= silentMs) return false
  const later = (seconds: number | null): boolean =>
    seconds === null || seconds * 1_000 > initiatedSeconds * 1_000 + HEARD_LATER_MS
  return later(handshakeSeconds) && later(heardSeconds)
}

function elsewhere({ round }: Evidence): Cause {
  const addresses = new Set(round?.answered.map((endpoint) => endpoint.address))
  if (round?.current === null || round === null || addresses.has(round.current.address)) return 'port-blocked'
  const isNamed = round.named === null || round.named.includes(round.current.address)
  return isNamed ? 'port-blocked' : 'endpoint-moved'
}

/**
 * Neither is concluded before the tunnel itself was asked: a hub whose daemon is stopped answers nothing else.
 * @param askedAt when the hub was last asked without success. If that was before the outside answered, the line may
 *   have been away and come back in between.
 */
function lineOrHub({ uplink, isNotCarried }: Evidence, askedAt: number): Cause | null {
  if (uplink === null || !isNotCarried) return null
  if (uplink.answersSince !== null) return askedAt >= uplink.answersSince ? 'hub-down' : null
  return uplink.gateway === false || uplink.beacon === false ? 'home-offline' : null
}

/** After a good sign of the path nearly as many heartbeats must be missed as made the doubt. */
function isMissedSince(beats: Heartbeats, at: number | null): boolean {
  if (at === null) return false
  return beats.underWay.filter((one) => one.overdue && one.sentAt >= at).length >= missesThatCount(beats) - 1
}

/**
 * How many rounds of echoes in a row must be missed: by loss that is as unlikely as the heartbeats that made the doubt.
 */
export function roundsThatCount(beats: Heartbeats): number {
  return Math.max(LEAST_ROUNDS, Math.ceil(missesThatCount(beats) / ECHOES_OF_A_ROUND))
}

function isAmong(endpoint: Endpoint | null, endpoints: readonly Endpoint[]): boolean {
  return endpoints.some((one) => sameEndpoint(one, endpoint))
}
