import { type Endpoint, sameEndpoint } from '../../wireguard/spec.ts'
import { noteFailbackRound, fellBack, hurried } from './fallback.ts'
import { type Answered, begun, enter, handshakeSeen, knownAgain, driftRepaired, remedyEnded } from './remediate.ts'
import {
  diagnose,
  noteNotCarried,
  notePeerView,
  noteRegistrar,
  noteRound,
  noteUplink,
  roundsThatCount,
} from './evidence/evidence.ts'
import { forgiveMisses, isOvertaken, noteAnswer, noteCarried, noteOverdue } from './evidence/heartbeats.ts'
import { noteMapping } from './evidence/ledger.ts'
import { newPathMtu, noteSizes, recheckSizes } from './evidence/path-mtu.ts'
import { noteOutcome, registerSoon } from './evidence/registration.ts'
import { type Hints, noteFollowed, noteHint, noteTrue } from './hints.ts'
import type { Action, Watch, WatchEvent } from './state.ts'

/** How long until the registrar is asked again during a silence in which it answers. */
const ASK_AGAIN_MS = 30_000

/** How long the hub's word that the tunnel is used holds: each heartbeat repeats it, and a few may be lost. */
export const IN_USE_MS = 10_000

/** How long after a remedy a new mapping counts as its effect. */
const OWN_DOING_MS = 12_000

/** Takes what an event says of the tunnel, and which answer of the hub's it is; what is due then, others decide. */
export function taken(watch: Watch, event: WatchEvent, now: number, actions: Action[]): [Watch, Answered | null] {
  switch (event.kind) {
    case 'tick':
      return [watch, null]
    case 'answer': {
      const before = watch.health.kind === 'up' ? watch.heartbeats : forgiveMisses(watch.heartbeats)
      const heartbeats = noteAnswer(before, event.sequence, now)
      if (heartbeats === null) return [watch, null]
      const sentAt = before.underWay.find((one) => one.sequence === event.sequence)?.sentAt ?? null
      const inUseUntil = event.inUse ? now + IN_USE_MS : watch.inUseUntil
      const { pending } = watch.registration
      const isAsked = event.asks && pending === null
      const registration = isAsked ? registerSoon(watch.registration, 'asked', now) : watch.registration
      const after = { ...watch, heartbeats, inUseUntil, isDaemonSilent: false, registration }
      const silentMs = now - (before.answeredAt ?? now)
      // What the hub saw before it answered a later heartbeat is no news.
      const mapping = isOvertaken(before, event.sequence) ? null : event.mapping
      return [mappingSeen(after, mapping, now, actions, silentMs), { sentAt }]
    }
    case 'refused':
      return [{ ...watch, asking: { ...watch.asking, isRefused: true } }, null]
    case 'tunnel-proof':
      return tunnelProof(watch, event.carries, now)
    case 'registration-ended':
      return [registrationEnded(watch, event, now, actions), null]
    case 'echoed':
      return [echoed(watch, event, now, actions), null]
    case 'sized':
      return [sized(watch, event, now, actions), null]
    case 'uplink':
      return [
        {
          ...watch,
          asking: { ...watch.asking, isUplinkPending: false },
          evidence: isSilent(watch) ? noteUplink(watch.evidence, event.uplink, now) : watch.evidence,
        },
        null,
      ]
    case 'remedy-ended':
      return [remedyEnded(watch, event, now, actions), null]
    // A router keeps a change only when the new interface is proven: its mapping is seen before the look ends.
    case 'remaking':
      return [{ ...watch, remediedAt: now }, null]
    case 'looked': {
      const hints = event.driftRepaired ? noteTrue(watch.asking.hints) : watch.asking.hints
      const after = { ...watch, isGone: event.isGone === true, asking: { ...watch.asking, lookedAt: now, hints } }
      if (event.driftRepaired) return [driftRepaired(after, now, actions), null]
      const { handshakeAt } = event
      return [handshakeAt === undefined ? after : handshakeSeen(after, handshakeAt, now, actions), null]
    }
    case 'followed':
      return [hinted(watch, noteFollowed(watch.asking.hints, event.isFollowed, now)), null]
    case 'hinted':
      return [hinted(watch, noteHint(watch.asking.hints, now)), null]
    case 'described':
      return [{ ...watch, canForgetFlow: event.canForgetFlow }, null]
    case 'resumed':
      return [
        { ...watch, fallback: fellBack(event.on, event.endpoint, event.cause, now, watch.failbackFailures) },
        null,
      ]
    case 'transport-lost':
      // During a trial the tunnel does not use it; a failed one opens another.
      if (watch.fallback?.on !== 'transport' || watch.fallback.trial !== null) return [watch, null]
      return [
        { ...watch, fallback: null, redirectedAt: now, asking: { ...watch.asking, reconciledAt: -Infinity } },
        null,
      ]
    case 'freed':
      return [freed(watch, now), null]
    case 'configured':
      return [
        {
          ...watch,
          settings: event.settings,
          pathMtu:
            event.settings.mtu === watch.settings.mtu
              ? watch.pathMtu
              : newPathMtu(event.settings.mtu, event.settings.mtu),
          registration: registerSoon(watch.registration, 'configuration', now),
        },
        null,
      ]
    default:
      return event satisfies never
  }
}

/** The tunnel carries, and the hub's daemon is dead, or stopped: up, with a note. Or the tunnel is not shown to carry. */
function tunnelProof(watch: Watch, carries: boolean, now: number): [Watch, Answered | null] {
  const askedAt = watch.asking.proofAskedAt ?? now
  const after = { ...watch, asking: { ...watch.asking, isProofPending: false } }
  // A daemon that answered meanwhile is not silent.
  if ((watch.heartbeats.answeredAt ?? -Infinity) >= askedAt) return [after, null]
  if (!carries) return [{ ...after, evidence: noteNotCarried(after.evidence) }, null]
  // Whether its registrar answers is asked once, since no doubt asks for it any more.
  const registration = watch.isDaemonSilent ? watch.registration : registerSoon(watch.registration, 'doubt', now)
  const heartbeats = noteCarried(after.heartbeats, now)
  return [{ ...after, heartbeats, registration, isDaemonSilent: true }, { sentAt: askedAt }]
}

function mappingSeen(watch: Watch, seen: Endpoint | null, now: number, actions: Action[], silentMs = 0): Watch {
  if (seen === null) return watch
  const [ledger, change] = noteMapping(watch.ledger, seen, now, silentMs)
  if (change === null) return watch
  actions.push({ kind: 'tell-mapping', change })
  // The registration at the start already tells the hub of the first mapping.
  if (change.from === null) return { ...watch, ledger }
  const isOwnDoing = watch.remediation.underWay !== null || now - watch.remediedAt <= OWN_DOING_MS
  if (!isOwnDoing) actions.push({ kind: 'tell-cause', cause: 'mapping-changed' })
  const pathMtu = change.ended !== 'port' ? recheckSizes(watch.pathMtu) : watch.pathMtu
  return {
    ...watch,
    ledger,
    pathMtu,
    // A remedy explains one change.
    remediedAt: -Infinity,
    registration: registerSoon(watch.registration, 'mapping-changed', now),
  }
}

/** The registrar's answer is evidence only of the silence during which it was asked. */
function registrationEnded(
  watch: Watch,
  event: Extract<WatchEvent, { kind: 'registration-ended' }>,
  now: number,
  actions: Action[],
): Watch {
  const askedAt = watch.registration.pending?.since ?? now
  const registration = noteOutcome(watch.registration, event.outcome, watch.settings.jitter, now)
  // A heartbeat that was answered meanwhile knows better: its answer came through the mapping itself.
  const isOlder = (watch.heartbeats.answeredAt ?? -Infinity) >= askedAt
  const told = { ...watch, registration, isShared: event.isShared ?? watch.isShared }
  const after = isOlder ? told : mappingSeen(told, event.mapping, now, actions)
  if (isOlder || !isSilent(watch)) return after
  const registrar = { askedAt, at: now, reachable: event.outcome !== 'unreachable' }
  const asked = noteRegistrar(after.evidence, registrar, event.outcome, registration.unknownInARow)
  const heard = { ...after, evidence: notePeerView(asked, event.view, askedAt, now) }
  if (event.view !== null) {
    // The registrar is asked again while the silence lasts: its answer may change.
    const again = { ...heard, registration: registerSoon(heard.registration, 'doubt', now + ASK_AGAIN_MS) }
    return knownAgain(again, now, actions)
  }
  if (watch.health.kind !== 'healing' || watch.remediation.underWay !== null || registrar.reachable) return heard
  // Without the hub the line itself may be away, unless this very moment proves a cause: then only that one is told.
  const missed = noteOverdue(heard.heartbeats, now)
  if (diagnose(heard.evidence, missed, heard.asking.echoTrust, now) !== null) return heard
  return enter(heard, { kind: 'offline', since: now, cause: null }, actions)
}

function echoed(
  watch: Watch,
  { round, view }: Extract<WatchEvent, { kind: 'echoed' }>,
  now: number,
  actions: Action[],
): Watch {
  const asking: Watch['asking'] = {
    ...watch.asking,
    round,
    isEchoPending: false,
    echoedAt: now,
    echoTrust: round.answered.length > 0 ? 'trusted' : watch.asking.echoTrust,
  }
  const isOfElsewhere = watch.redirectedAt >= round.askedAt
  if (isSilent(watch)) {
    const isOlder = (watch.heartbeats.answeredAt ?? -Infinity) >= round.askedAt
    if (isOlder || isOfElsewhere) return { ...watch, asking }
    const after = { ...watch, asking, evidence: noteRound(watch.evidence, round, view, asking.echoTrust, now) }
    const isKnown = round.answered.length > 0 && after.evidence.unknown === null
    return isKnown ? knownAgain(after, now, actions) : after
  }
  if (watch.fallback !== null) return { ...watch, asking, fallback: noteFailbackRound(watch.fallback, round) }
  // The tunnel was found on another endpoint than the best, as an agent before this one left it.
  if (isOfElsewhere || round.current === null || sameEndpoint(round.current, round.preferred))
    return { ...watch, asking }
  const on = round.isTransport ? 'transport' : 'endpoint'
  return { ...watch, asking, fallback: fellBack(on, round.current, 'port-blocked', now) }
}

function sized(watch: Watch, { round }: Extract<WatchEvent, { kind: 'sized' }>, now: number, actions: Action[]): Watch {
  const [pathMtu, mtu] = noteSizes(watch.pathMtu, round, roundsThatCount(watch.heartbeats), now)
  const after = { ...watch, pathMtu }
  if (mtu === null || isSilent(watch) || watch.remediation.underWay !== null) return after
  const cause = 'mtu-black-hole'
  if (mtu < watch.pathMtu.mtu) actions.push({ kind: 'tell-cause', cause })
  return begun(after, { kind: 'set-mtu', mtu }, cause, now, actions)
}

/** Answers are missing, though it may be too early to say that this means anything. */
function isSilent({ health, heartbeats }: Watch): boolean {
  return health.kind !== 'up' || heartbeats.missesInARow > 0
}

/** Asks the endpoints at once, and fails back when the preferred one answers. */
function freed(watch: Watch, now: number): Watch {
  const { fallback, asking } = watch
  if (fallback === null || fallback.trial !== null) return watch
  return { ...watch, fallback: hurried(fallback, now), asking: { ...asking, echoedAt: null } }
}

function hinted(watch: Watch, hints: Hints): Watch {
  return { ...watch, asking: { ...watch.asking, hints } }
}
