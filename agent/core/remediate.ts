import { type Endpoint, sameEndpoint } from '../../wireguard/spec.ts'
import { type Fallback, noteFailbackFailed, failback, fellBack, onTrial } from './fallback.ts'
import { isKeyEnding, judgeTrial, noteHandshake } from './evidence/rekey.ts'
import type { Cause } from './evidence/cause.ts'
import {
  NO_REMEDIATION,
  nextRemedy,
  noteAnswered,
  noteBegun,
  noteExecuted,
  noteFailed,
  noteLadderEnded,
} from './remediation.ts'
import { diagnose, NO_EVIDENCE } from './evidence/evidence.ts'
import { causeOf, type Health } from './evidence/health.ts'
import { missesThatCount } from './evidence/heartbeats.ts'
import { ladder, type Remedy } from './ladder.ts'
import { noteMtuSet } from './evidence/path-mtu.ts'
import { registerSoon } from './evidence/registration.ts'
import { ofTwoMachines } from './shared-home.ts'
import type { Action, Watch, WatchEvent } from './state.ts'

/** From evidence to remedies, and from remedies to their proof. Each function takes the state and gives the next. */

/** How long a look at the machine is waited for: a machine that hangs must not hold up the repair of the uplink. */
const LONGEST_LOOK_MS = 3_000

/** Causes for which the path that a failback has just taken answers. */
const PATH_CAUSES: readonly Cause[] = ['flow-dead', 'return-dead', 'port-blocked', 'udp-blocked', 'handshake-blocked']

/** An answer, with when its heartbeat was sent; null when that cannot be told. */
export interface Answered {
  readonly sentAt: number | null
}

/** An answer proves the remedy under way; time without one proves that it did not help. */
export function proven(watch: Watch, answer: Answered | null, now: number, actions: Action[]): Watch {
  const { underWay } = watch.remediation
  const proving = underWay?.proving ?? null
  if (answer === null) return proving !== null && now >= proving.until ? remedyFailed(watch, now, actions) : watch
  const isMovedWhileUp = underWay !== null && (underWay.failbackFrom !== null || isBegunWhileUp(watch))
  // What was sent before came back the way of before.
  if (isMovedWhileUp && (proving === null || (answer.sentAt ?? now) < proving.since)) return watch
  const after = underWay !== null && proving !== null ? remedyHelped(watch, now, actions) : watch
  if (after.remediation === NO_REMEDIATION && after.evidence === NO_EVIDENCE) return after
  return { ...after, remediation: noteAnswered(after.remediation, answer.sentAt), evidence: NO_EVIDENCE }
}

/** Whether the remedy under way was begun while answers came: a failback, or what is done before a key ends. */
function isBegunWhileUp({ health, remediation: { underWay } }: Watch): boolean {
  return health.kind === 'up' && underWay !== null && health.since <= underWay.since
}

function remedyHelped(watch: Watch, now: number, actions: Action[]): Watch {
  const { underWay } = watch.remediation
  if (underWay === null) return watch
  if (underWay.failbackFrom !== null) return triedByHandshake(watch, underWay.failbackFrom, now, actions)
  tellRemedy(watch, true, now, actions)
  // Over UDP again, if it was not: the transport would only hold a connection open.
  if (underWay.remedy.kind === 'set-endpoint') actions.push({ kind: 'close-transport' })
  return { ...watch, helped: { ...watch.helped, [underWay.cause]: underWay.remedy.kind } }
}

/**
 * Heartbeats came back after a failback. They use the key of before: a path that drops handshakes would carry them until
 * that key ends. So the fallback is held ready until a handshake passed; a machine that shows none cannot be waited for.
 */
function triedByHandshake(watch: Watch, fallback: Fallback, now: number, actions: Action[]): Watch {
  const { since } = watch.remediation.underWay ?? { since: now }
  const after = { ...watch, fallback: onTrial({ ...fallback, since }, now), remediation: NO_REMEDIATION }
  if (watch.handshake.stamp === null) return returnProven(after, now, actions)
  return { ...after, asking: { ...watch.asking, reconciledAt: -Infinity } }
}

function returnProven(watch: Watch, now: number, actions: Action[]): Watch {
  const { fallback } = watch
  if (fallback === null) return watch
  const seconds = (now - fallback.since) / 1_000
  const report = { remedy: 'way-back', cause: fallback.cause, helped: true, seconds } as const
  const after = { ...watch, fallback: null, failbackFailures: 0 }
  actions.push({ kind: 'tell-remedy', report }, { kind: 'close-transport' })
  return after
}

/** Takes what a look at the machine says of handshakes. */
export function handshakeSeen(watch: Watch, stamp: number | null, now: number, actions: Action[]): Watch {
  const after = { ...watch, handshake: noteHandshake(watch.handshake, stamp, now) }
  const { fallback, health, remediation, handshake, registration, asking } = after
  if (remediation.underWay !== null || health.kind !== 'up') return after
  if (fallback?.trial) {
    const [trial, verdict] = judgeTrial(fallback.trial, handshake, asking.reconciledAt, now)
    const judged = { ...after, fallback: { ...fallback, trial } }
    if (verdict === 'proven') return returnProven(judged, now, actions)
    return verdict === 'failed' ? trialFailed(judged, fallback, now, actions) : judged
  }
  // The key still carries: over TLS it is renewed before anybody misses an answer.
  const misses = missesThatCount(after.heartbeats)
  if (fallback !== null || registration.registrar !== 'reachable' || !isKeyEnding(handshake, misses, now)) return after
  actions.push({ kind: 'tell-cause', cause: 'handshake-blocked' })
  return begun(after, { kind: 'carrier' }, 'handshake-blocked', now, actions)
}

function trialFailed(watch: Watch, fallback: Fallback, now: number, actions: Action[]): Watch {
  const { cause, since } = fallback
  const seconds = (now - since) / 1_000
  actions.push({ kind: 'tell-remedy', report: { remedy: 'way-back', cause, helped: false, seconds } })
  return turnedBack(watch, fallback, now, actions)
}

/** Takes the end of the remedy under way. */
export function remedyEnded(
  watch: Watch,
  { executed, endpoint }: Extract<WatchEvent, { kind: 'remedy-ended' }>,
  now: number,
  actions: Action[],
): Watch {
  const { underWay } = watch.remediation
  if (underWay === null) return watch
  const { remedy } = underWay
  if (remedy.kind === 'set-mtu') {
    tellRemedy(watch, executed, now, actions)
    const after = { ...watch, remediedAt: now, remediation: { ...watch.remediation, underWay: null } }
    if (!executed) return after
    const registration = registerSoon(watch.registration, 'mtu', now)
    return { ...after, registration, pathMtu: noteMtuSet(watch.pathMtu, remedy.mtu) }
  }
  if (!executed) return remedyFailed(watch, now, actions)
  // An unproven failback leaves the fallback as it was.
  const fallback = underWay.failbackFrom ?? fallbackAfter(watch, endpoint, now)
  const after = { ...watch, fallback, remediedAt: now, redirectedAt: endpoint === null ? watch.redirectedAt : now }
  // Answers came meanwhile: because of the remedy, or independently.
  if (watch.health.kind === 'up' && underWay.failbackFrom === null && !isBegunWhileUp(watch))
    return { ...(underWay.hasHelped ? remedyHelped(after, now, actions) : after), remediation: NO_REMEDIATION }
  // The heartbeat that proves the remedy goes out at once.
  const heartbeats = { ...watch.heartbeats, lastSentAt: null }
  return { ...after, heartbeats, remediation: noteExecuted(watch.remediation, watch.heartbeats, now) }
}

/** @param endpoint where the interface sends since the remedy; null when that is as before. */
function fallbackAfter(
  { fallback, failbackFailures, asking, remediation }: Watch,
  endpoint: Endpoint | null,
  now: number,
): Fallback | null {
  if (endpoint === null || remediation.underWay === null) return fallback
  if (sameEndpoint(endpoint, asking.round?.preferred ?? null)) return null
  const on = remediation.underWay.remedy.kind === 'carrier' ? 'transport' : 'endpoint'
  // A fallback remembers how often failbacks on this line failed, and one that is taken again when the next may come.
  const next = fellBack(on, endpoint, remediation.underWay.cause, now, failbackFailures)
  return fallback?.on === on ? { ...next, notBefore: Math.max(fallback.notBefore, next.notBefore) } : next
}

function remedyFailed(watch: Watch, now: number, actions: Action[]): Watch {
  const { underWay } = watch.remediation
  if (underWay === null) return watch
  tellRemedy(watch, false, now, actions)
  if (underWay.failbackFrom !== null) return turnedBack(watch, underWay.failbackFrom, now, actions)
  return {
    ...watch,
    remediation: noteFailed(watch.remediation),
    evidence: NO_EVIDENCE,
    registration: registerSoon(watch.registration, 'doubt', now),
  }
}

/** The better endpoint does not carry the tunnel after all: back at once to the one that worked. */
function turnedBack(watch: Watch, fallback: Fallback, now: number, actions: Action[]): Watch {
  const remedy: Remedy =
    fallback.on === 'transport' ? { kind: 'carrier' } : { kind: 'set-endpoint', endpoint: fallback.current }
  const failed = noteFailbackFailed(fallback, now)
  const after = { ...watch, fallback: failed, failbackFailures: failed.failures, remediation: NO_REMEDIATION }
  return begun(after, remedy, fallback.cause, now, actions)
}

/** Names the cause as soon as it is proven, and begins the next remedy against it. */
export function remediated(watch: Watch, now: number, actions: Action[]): Watch {
  const { health, remediation, heartbeats, evidence, asking } = watch
  if (health.kind === 'up' || remediation.underWay !== null) return watch
  const found = diagnose(evidence, heartbeats, asking.echoTrust, now)
  const judged = watch.isShared ? ofTwoMachines(found) : found
  // Without its interface no tunnel carries, and no remedy of the path helps.
  const cause = watch.isGone && judged !== null && !hasNoRemedy(judged) ? 'drift' : judged
  if (cause === null) return watch
  if (hasNoRemedy(cause)) {
    if (health.kind === 'offline' && health.cause === cause) return watch
    return enter(watch, { kind: 'offline', since: health.kind === 'offline' ? health.since : now, cause }, actions)
  }
  if (now < remediation.notBefore || isBeingLookedAt(watch, now)) return watch
  const remedy = nextRemedy(remediation, ladder(cause, situationOf(watch, cause)))
  if (remedy === null) {
    // No remedy is left: the ladder begins again after a pause, with fresh evidence.
    const paused = { ...watch, remediation: noteLadderEnded(remediation, now), evidence: NO_EVIDENCE }
    return { ...paused, registration: registerSoon(watch.registration, 'doubt', now) }
  }
  // A failback on trial is the first suspect, and what worked before it is held ready.
  if (watch.fallback?.trial && PATH_CAUSES.includes(cause))
    return trialFailed({ ...watch, evidence: NO_EVIDENCE }, watch.fallback, now, actions)
  const isSame = health.kind === 'healing' && health.cause === cause
  const since = health.kind === 'healing' ? health.since : now
  const named = isSame ? watch : enter(watch, { kind: 'healing', since, cause }, actions)
  return begun({ ...named, evidence: NO_EVIDENCE }, remedy, cause, now, actions)
}

/** Causes that only time, or a person, ends. */
function hasNoRemedy(cause: Cause): boolean {
  return ['home-offline', 'hub-down', 'home-unknown', 'identity-twice', 'drift'].includes(cause)
}

/**
 * A change on this machine looks from outside like a dead flow. So the machine is looked at first: that takes
 * milliseconds here and a second on a router; a machine that cannot be looked at is not waited for.
 */
function isBeingLookedAt({ asking, heartbeats }: Watch, now: number): boolean {
  const isAsked = asking.reconciledAt > (heartbeats.answeredAt ?? -Infinity)
  return isAsked && asking.lookedAt < asking.reconciledAt && now - asking.reconciledAt < LONGEST_LOOK_MS
}

/** Begins the failback, once the better endpoint has answered often enough. */
export function returned(watch: Watch, now: number, actions: Action[]): Watch {
  const { fallback, health, remediation, asking } = watch
  if (fallback === null || health.kind !== 'up' || remediation.underWay !== null || watch.heartbeats.missesInARow > 0)
    return watch
  const endpoint = failback(fallback, asking.round, now)
  if (endpoint === null) return watch
  const after = begun(watch, { kind: 'set-endpoint', endpoint }, fallback.cause, now, actions)
  const { underWay } = after.remediation
  return underWay === null
    ? after
    : { ...after, remediation: { ...after.remediation, underWay: { ...underWay, failbackFrom: fallback } } }
}

export function begun(watch: Watch, remedy: Remedy, cause: Cause, now: number, actions: Action[]): Watch {
  actions.push({ kind: 'remedy', remedy })
  return { ...watch, remediation: noteBegun(watch.remediation, remedy, cause, now) }
}

/** The machine was found changed, and repaired. */
export function driftRepaired(watch: Watch, now: number, actions: Action[]): Watch {
  const cause = 'drift'
  if (watch.health.kind === 'up') {
    actions.push({ kind: 'tell-cause', cause })
    actions.push({ kind: 'tell-remedy', report: { remedy: 'apply', cause, helped: true, seconds: 0 } })
    // An interface that was made again sends from another port: that mapping is our own doing.
    return { ...watch, remediedAt: now }
  }
  // The repair helps nobody while the hub does not know this home.
  if (watch.remediation.underWay !== null || causeOf(watch.health) === 'home-unknown') return watch
  const health: Health = { kind: 'healing', since: now, cause }
  const after = enter({ ...watch, evidence: NO_EVIDENCE, remediedAt: now }, health, actions)
  const remediation = noteExecuted(noteBegun(watch.remediation, { kind: 'apply' }, cause, now), watch.heartbeats, now)
  return { ...after, remediation, heartbeats: { ...watch.heartbeats, lastSentAt: null } }
}

/** The hub knows this home after all: what keeps the tunnel down now is yet to be found. */
export function knownAgain(watch: Watch, now: number, actions: Action[]): Watch {
  if (causeOf(watch.health) !== 'home-unknown') return watch
  return enter(watch, { kind: 'offline', since: now, cause: null }, actions)
}

/** Enters another state, or another cause of the same: told once. */
export function enter(watch: Watch, to: Health, actions: Action[]): Watch {
  const from = watch.health
  const cause = causeOf(to)
  if (from.kind !== to.kind) actions.push({ kind: 'tell-health', from, to })
  else if (cause !== null && cause !== causeOf(from)) actions.push({ kind: 'tell-cause', cause })
  return { ...watch, health: to }
}

function situationOf(
  { asking, registration, remediation, settings, helped, evidence, canForgetFlow }: Watch,
  cause: Cause,
) {
  return {
    round: evidence.round ?? asking.round,
    echoTrust: asking.echoTrust,
    isRegistrarReachable: registration.registrar === 'reachable' || registration.registrar === 'refusing',
    rounds: remediation.rounds,
    lifeSeconds: settings.lifeSeconds,
    canForgetFlow,
    helped: helped[cause],
  }
}

function tellRemedy({ remediation: { underWay } }: Watch, helped: boolean, now: number, actions: Action[]): void {
  if (underWay === null) return
  const { remedy, cause, since, failbackFrom } = underWay
  const kind = failbackFrom === null ? remedy.kind : 'way-back'
  actions.push({ kind: 'tell-remedy', report: { remedy: kind, cause, helped, seconds: (now - since) / 1_000 } })
}
