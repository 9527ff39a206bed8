import { type Endpoint, sameEndpoint } from '../../wireguard/spec.ts'
import { type Away, noteWayBackFailed, wayBack, wentAway } from './away.ts'
import type { Cause } from './cause.ts'
import { NO_CURE, nextRemedy, noteAnswered, noteBegun, noteCarriedOut, noteFailed, noteLadderEnded } from './cure.ts'
import { diagnose, NO_EVIDENCE } from './evidence.ts'
import { causeOf, type Health } from './health.ts'
import { ladder, type Remedy } from './ladder.ts'
import { noteMtuSet } from './path-mtu.ts'
import { registerSoon } from './registration.ts'
import type { Action, Watch, WatchEvent } from './state.ts'

/** From evidence to remedies, and from remedies to their proof. Each takes the state and gives the next one. */

/** A look takes less; a machine that hangs must not hold up the cure of the line. */
const LONGEST_LOOK_MS = 3_000

/** An answer: to a heartbeat sent then; null when it cannot be told. */
export interface Answered {
  readonly sentAt: number | null
}

/** An answer proves the remedy under way; time without one proves that it did not help. */
export function proven(watch: Watch, answer: Answered | null, now: number, actions: Action[]): Watch {
  const { underWay } = watch.cure
  const proving = underWay?.proving ?? null
  if (answer === null) return proving !== null && now >= proving.until ? remedyFailed(watch, now, actions) : watch
  if (underWay?.backFrom && (proving === null || (answer.sentAt ?? now) < proving.since)) return watch
  const after = underWay !== null && proving !== null ? remedyHelped(watch, now, actions) : watch
  if (after.cure === NO_CURE && after.evidence === NO_EVIDENCE) return after
  return { ...after, cure: noteAnswered(after.cure, answer.sentAt), evidence: NO_EVIDENCE }
}

function remedyHelped(watch: Watch, now: number, actions: Action[]): Watch {
  const { underWay } = watch.cure
  if (underWay === null) return watch
  tellRemedy(watch, true, now, actions)
  if (underWay.backFrom !== null) {
    actions.push({ kind: 'close-carrier' })
    return { ...watch, away: null, cure: NO_CURE }
  }
  // Over UDP again, if it was not: the carrier would only hold a connection open.
  if (underWay.remedy.kind === 'set-endpoint') actions.push({ kind: 'close-carrier' })
  return { ...watch, helped: { ...watch.helped, [underWay.cause]: underWay.remedy.kind } }
}

/** What the shell made of the remedy it was given. */
export function remedyEnded(
  watch: Watch,
  { carriedOut, way }: Extract<WatchEvent, { kind: 'remedy-ended' }>,
  now: number,
  actions: Action[],
): Watch {
  const { underWay } = watch.cure
  if (underWay === null) return watch
  const { remedy } = underWay
  if (remedy.kind === 'set-mtu') {
    tellRemedy(watch, carriedOut, now, actions)
    const after = { ...watch, remediedAt: now, cure: { ...watch.cure, underWay: null } }
    if (!carriedOut) return after
    const registration = registerSoon(watch.registration, 'mtu', now)
    return { ...after, registration, pathMtu: noteMtuSet(watch.pathMtu, remedy.mtu) }
  }
  if (!carriedOut) return remedyFailed(watch, now, actions)
  // Until the way back is proven it counts as none.
  const away = underWay.backFrom ?? awayAfter(watch, way, now)
  const after = { ...watch, away, remediedAt: now, ledElsewhereAt: way === null ? watch.ledElsewhereAt : now }
  // Answers came meanwhile: because of it, or by themselves.
  if (watch.health.kind === 'up' && underWay.backFrom === null)
    return { ...(underWay.hasHelped ? remedyHelped(after, now, actions) : after), cure: NO_CURE }
  // The heartbeat that proves it goes out at once.
  const heartbeats = { ...watch.heartbeats, lastSentAt: null }
  return { ...after, heartbeats, cure: noteCarriedOut(watch.cure, watch.heartbeats, now) }
}

/** @param way where the interface sends since the remedy; null when that is as before. */
function awayAfter({ away, asking, cure }: Watch, way: Endpoint | null, now: number): Away | null {
  if (way === null || cure.underWay === null) return away
  if (sameEndpoint(way, asking.round?.preferred ?? null)) return null
  const on = cure.underWay.remedy.kind === 'carrier' ? 'carrier' : 'way'
  const next = wentAway(on, way, cure.underWay.cause, now)
  // A detour taken again because its way back failed remembers how often that was.
  if (away?.on !== on) return next
  return { ...next, failures: away.failures, notBefore: Math.max(away.notBefore, next.notBefore) }
}

function remedyFailed(watch: Watch, now: number, actions: Action[]): Watch {
  const { underWay } = watch.cure
  if (underWay === null) return watch
  tellRemedy(watch, false, now, actions)
  if (underWay.backFrom !== null) return turnedBack(watch, underWay.backFrom, now, actions)
  return {
    ...watch,
    cure: noteFailed(watch.cure),
    evidence: NO_EVIDENCE,
    registration: registerSoon(watch.registration, 'doubt', now),
  }
}

/** The better way does not carry the tunnel after all: at once to where it was well. */
function turnedBack(watch: Watch, away: Away, now: number, actions: Action[]): Watch {
  const remedy: Remedy = away.on === 'carrier' ? { kind: 'carrier' } : { kind: 'set-endpoint', way: away.current }
  const after = { ...watch, away: noteWayBackFailed(away, now), cure: NO_CURE }
  return begun(after, remedy, away.cause, now, actions)
}

/** Names the cause as soon as it is proven, and begins the next remedy against it. */
export function healed(watch: Watch, now: number, actions: Action[]): Watch {
  const { health, cure, heartbeats, evidence, asking } = watch
  if (health.kind === 'up' || cure.underWay !== null) return watch
  const cause = diagnose(evidence, heartbeats, asking.echoTrust, now)
  if (cause === null) return watch
  if (cause === 'home-offline' || cause === 'hub-down' || cause === 'home-unknown') {
    if (health.kind === 'offline' && health.cause === cause) return watch
    return enter(watch, { kind: 'offline', since: health.kind === 'offline' ? health.since : now, cause }, actions)
  }
  if (now < cure.notBefore || isBeingLookedAt(watch, now)) return watch
  const remedy = nextRemedy(cure, ladder(cause, situationOf(watch, cause)))
  if (remedy === null) {
    // None left: all over again after a pause, and with fresh evidence.
    const paused = { ...watch, cure: noteLadderEnded(cure, now), evidence: NO_EVIDENCE }
    return { ...paused, registration: registerSoon(watch.registration, 'doubt', now) }
  }
  const isSame = health.kind === 'healing' && health.cause === cause
  const since = health.kind === 'healing' ? health.since : now
  const named = isSame ? watch : enter(watch, { kind: 'healing', since, cause }, actions)
  return begun({ ...named, evidence: NO_EVIDENCE }, remedy, cause, now, actions)
}

/**
 * What was taken away here looks from outside like a dead flow. So the machine is looked at first: that takes
 * milliseconds on this one and a second on a router; one that cannot be looked at is not waited for.
 */
function isBeingLookedAt({ asking, heartbeats }: Watch, now: number): boolean {
  const isAsked = asking.restoredAt > (heartbeats.answeredAt ?? -Infinity)
  return isAsked && asking.lookedAt < asking.restoredAt && now - asking.restoredAt < LONGEST_LOOK_MS
}

/** From a detour, once the better way has answered often enough. */
export function returned(watch: Watch, now: number, actions: Action[]): Watch {
  const { away, health, cure, asking } = watch
  if (away === null || health.kind !== 'up' || cure.underWay !== null || watch.heartbeats.missesInARow > 0) return watch
  const way = wayBack(away, asking.round, now)
  if (way === null) return watch
  const after = begun(watch, { kind: 'set-endpoint', way }, away.cause, now, actions)
  const { underWay } = after.cure
  return underWay === null ? after : { ...after, cure: { ...after.cure, underWay: { ...underWay, backFrom: away } } }
}

export function begun(watch: Watch, remedy: Remedy, cause: Cause, now: number, actions: Action[]): Watch {
  actions.push({ kind: 'remedy', remedy })
  return { ...watch, cure: noteBegun(watch.cure, remedy, cause, now) }
}

/** The machine was found changed, and brought back. */
export function mended(watch: Watch, now: number, actions: Action[]): Watch {
  const cause = 'drift'
  if (watch.health.kind === 'up') {
    actions.push({ kind: 'tell-cause', cause })
    actions.push({ kind: 'tell-remedy', report: { remedy: 'apply', cause, helped: true, seconds: 0 } })
    return watch
  }
  // It helps nobody while the hub does not know this home.
  if (watch.cure.underWay !== null || causeOf(watch.health) === 'home-unknown') return watch
  const health: Health = { kind: 'healing', since: now, cause }
  const after = enter({ ...watch, evidence: NO_EVIDENCE, remediedAt: now }, health, actions)
  const cure = noteCarriedOut(noteBegun(watch.cure, { kind: 'apply' }, cause, now), watch.heartbeats, now)
  return { ...after, cure, heartbeats: { ...watch.heartbeats, lastSentAt: null } }
}

/** The hub knows this home after all: what keeps the tunnel down now is yet to be found out. */
export function knownAgain(watch: Watch, now: number, actions: Action[]): Watch {
  if (causeOf(watch.health) !== 'home-unknown') return watch
  return enter(watch, { kind: 'offline', since: now, cause: null }, actions)
}

/** Another state, or another cause of the same: told once. */
export function enter(watch: Watch, to: Health, actions: Action[]): Watch {
  const from = watch.health
  const cause = causeOf(to)
  if (from.kind !== to.kind) actions.push({ kind: 'tell-health', from, to })
  else if (cause !== null && cause !== causeOf(from)) actions.push({ kind: 'tell-cause', cause })
  return { ...watch, health: to }
}

function situationOf({ asking, registration, cure, settings, helped, evidence, canForgetFlow }: Watch, cause: Cause) {
  return {
    round: evidence.round ?? asking.round,
    echoTrust: asking.echoTrust,
    isRegistrarReachable: registration.registrar === 'reachable',
    turns: cure.turns,
    lifeSeconds: settings.lifeSeconds,
    canForgetFlow,
    helped: helped[cause],
  }
}

function tellRemedy({ cure: { underWay } }: Watch, helped: boolean, now: number, actions: Action[]): void {
  if (underWay === null) return
  const { remedy, cause, since, backFrom } = underWay
  const kind = backFrom === null ? remedy.kind : 'way-back'
  actions.push({ kind: 'tell-remedy', report: { remedy: kind, cause, helped, seconds: (now - since) / 1_000 } })
}
