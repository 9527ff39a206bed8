import type { Endpoint } from '../../wireguard/spec.ts'
import {
  type Cause,
  type Cure,
  diagnose,
  type HubWord,
  NO_CURE,
  noteAnswered,
  noteRemedyBegun,
  noteRemedyDone,
  noteRemedyFailed,
  noteWord,
  type RemedyKind,
} from './cure.ts'
import { endsAt, type Health, heartbeatGapMs, judge } from './health.ts'
import {
  forgiveMisses,
  type Heartbeats,
  missesThatCount,
  noHeartbeats,
  noteAnswer,
  noteOverdue,
  noteSent,
  overdueAt,
} from './heartbeats.ts'
import { type Ledger, type MappingChange, noteMapping } from './ledger.ts'
import {
  isDue,
  noteOutcome,
  noteRegistering,
  notRegistered,
  type Registration,
  type RegistrationOutcome,
  type RegistrationReason,
  registerSoon,
} from './registration.ts'

/** All that the judge knows of one tunnel. */
export interface Watch {
  readonly settings: WatchSettings
  readonly health: Health
  readonly heartbeats: Heartbeats
  readonly registration: Registration
  readonly ledger: Ledger
  readonly cure: Cure
}

export interface WatchSettings {
  /** Between two heartbeats when all is well. */
  readonly heartbeatMs: number
  /** 0 … 1, another for each home: spreads what many homes would do at once. */
  readonly spread: number
}

export type WatchEvent =
  /** Time went on. */
  | { readonly kind: 'tick' }
  | { readonly kind: 'answer'; readonly sequence: number; readonly mapping: Endpoint | null }
  | {
      readonly kind: 'registration-ended'
      readonly outcome: RegistrationOutcome
      readonly mapping: Endpoint | null
      /** null when it did not answer. */
      readonly word: HubWord | null
    }
  | { readonly kind: 'remedy-ended'; readonly carriedOut: boolean }
  | { readonly kind: 'configured'; readonly settings: WatchSettings }

/** What the shell shall do. */
export type Action =
  | { readonly kind: 'send-heartbeat'; readonly sequence: number }
  /** Ends with one `registration-ended`, whatever happens. */
  | { readonly kind: 'register'; readonly reason: RegistrationReason }
  /** Look whether the machine is as it should be, and mend what is not. */
  | { readonly kind: 'restore' }
  | { readonly kind: 'tell-health'; readonly from: Health; readonly to: Health }
  | { readonly kind: 'tell-mapping'; readonly change: MappingChange }
  /** Ends with one `remedy-ended`, whatever happens; never two at once. */
  | { readonly kind: 'remedy'; readonly remedy: RemedyKind }
  | { readonly kind: 'tell-remedy'; readonly report: RemedyReport }

interface RemedyReport {
  readonly remedy: RemedyKind
  readonly cause: Cause
  readonly helped: boolean
  readonly seconds: number
}

const CURIOUS_MS = 5_000

/** During a silence in which the registrar answers. */
const ASK_AGAIN_MS = 30_000

export function startWatch(settings: WatchSettings, ledger: Ledger, firstSequence: number, now: number): Watch {
  return {
    settings,
    health: { kind: 'starting', since: now },
    heartbeats: noHeartbeats(firstSequence),
    registration: notRegistered(now),
    ledger,
    cure: NO_CURE,
  }
}

/** Decides, never acts. `now` is monotonic milliseconds. */
export function next(watch: Watch, event: WatchEvent, now: number): readonly [Watch, readonly Action[]] {
  const actions: Action[] = []
  let [after, answered] = taken(watch, event, now, actions)
  after = { ...after, heartbeats: noteOverdue(after.heartbeats, now) }
  after = proven(after, answered, now, actions)
  // Before time alone could call it offline: one moment tells one change.
  after = healed(after, now, actions)
  after = judged(after, answered, now, actions)
  after = heartbeatIfDue(after, now, actions)
  after = registerIfDue(after, now, actions)
  return [after, actions]
}

/** When time alone will change something: until then there is nothing to do. */
export function wakeAt(watch: Watch): number {
  return Math.min(
    heartbeatDueAt(watch),
    overdueAt(watch.heartbeats) ?? Infinity,
    endsAt(watch.health) ?? Infinity,
    watch.registration.pending === null ? watch.registration.due.at : Infinity,
    watch.cure.remedy?.provingUntil ?? Infinity,
  )
}

function taken(watch: Watch, event: WatchEvent, now: number, actions: Action[]): [Watch, boolean] {
  switch (event.kind) {
    case 'tick':
      return [watch, false]
    case 'answer': {
      const before = watch.health.kind === 'up' ? watch.heartbeats : forgiveMisses(watch.heartbeats)
      const heartbeats = noteAnswer(before, event.sequence, now)
      if (heartbeats === null) return [watch, false]
      return [mappingSeen({ ...watch, heartbeats }, event.mapping, now, actions), true]
    }
    case 'registration-ended': {
      const { pending } = watch.registration
      const registration = noteOutcome(watch.registration, event.outcome, watch.settings.spread, now)
      const after = heardOf({ ...watch, registration }, event.word, pending?.since ?? now, now, actions)
      // A heartbeat that was answered meanwhile knows better: it came through the mapping itself.
      const isOlder = (watch.heartbeats.answeredAt ?? -Infinity) >= (pending?.since ?? now)
      return [isOlder ? after : mappingSeen(after, event.mapping, now, actions), false]
    }
    case 'remedy-ended': {
      // Answers came meanwhile, by themselves.
      if (watch.health.kind === 'up') return [{ ...watch, cure: NO_CURE }, false]
      if (!event.carriedOut) return [remedyFailed(watch, now, actions), false]
      // The heartbeat that proves it goes out at once.
      const heartbeats = { ...watch.heartbeats, lastSentAt: null }
      return [{ ...watch, heartbeats, cure: noteRemedyDone(watch.cure, watch.heartbeats, now) }, false]
    }
    case 'configured':
      return [
        {
          ...watch,
          settings: event.settings,
          registration: registerSoon(watch.registration, 'configuration', now),
        },
        false,
      ]
    default:
      return event satisfies never
  }
}

function mappingSeen(watch: Watch, seen: Endpoint | null, now: number, actions: Action[]): Watch {
  if (seen === null) return watch
  const [ledger, change] = noteMapping(watch.ledger, seen, now)
  if (change === null) return watch
  actions.push({ kind: 'tell-mapping', change })
  // The first one is what the registration at the start is about already.
  if (change.from === null) return { ...watch, ledger }
  return { ...watch, ledger, registration: registerSoon(watch.registration, 'mapping-changed', now) }
}

function judged(watch: Watch, answered: boolean, now: number, actions: Action[]): Watch {
  const { missesInARow } = watch.heartbeats
  const evidence = { answered, missesInARow, missesThatCount: missesThatCount(watch.heartbeats) }
  const health = judge(watch.health, evidence, now)
  if (health.kind === watch.health.kind) return { ...watch, health }
  actions.push({ kind: 'tell-health', from: watch.health, to: health })
  if (health.kind !== 'doubtful' && health.kind !== 'offline') return { ...watch, health }
  // The registrar's word is evidence, and something here may have been taken away.
  actions.push({ kind: 'restore' })
  return { ...watch, health, registration: registerSoon(watch.registration, 'doubt', now) }
}

/** What the registrar said is evidence only of the silence during which it was asked. */
function heardOf(watch: Watch, word: HubWord | null, askedAt: number, now: number, actions: Action[]): Watch {
  const { health, cure } = watch
  if (word !== null) {
    if (health.kind === 'up' || askedAt < health.since) return watch
    const after = { ...watch, cure: noteWord(cure, word, now) }
    if (health.kind === 'starting') return after
    // It is asked again while the silence lasts: what it says may change.
    return { ...after, registration: registerSoon(watch.registration, 'doubt', now + ASK_AGAIN_MS) }
  }
  // Without it nothing is proven any more: it may be the line itself.
  if (health.kind !== 'healing' || cure.remedy !== null) return watch
  const offline: Health = { kind: 'offline', since: now }
  actions.push({ kind: 'tell-health', from: health, to: offline })
  return { ...watch, health: offline, cure: { ...cure, word: null } }
}

/** An answer proves the remedy under way; time without one proves that it did not help. */
function proven(watch: Watch, answered: boolean, now: number, actions: Action[]): Watch {
  const { cure } = watch
  const remedy = cure.remedy
  if (answered) {
    if (remedy !== null && remedy.provingUntil !== null) tellRemedy(watch, true, now, actions)
    return cure === NO_CURE ? watch : { ...watch, cure: noteAnswered(cure) }
  }
  return remedy !== null && remedy.provingUntil !== null && now >= remedy.provingUntil
    ? remedyFailed(watch, now, actions)
    : watch
}

function remedyFailed(watch: Watch, now: number, actions: Action[]): Watch {
  if (watch.cure.remedy === null) return watch
  tellRemedy(watch, false, now, actions)
  const cure = noteRemedyFailed(watch.cure, now)
  return { ...watch, cure, registration: registerSoon(watch.registration, 'doubt', cure.notBefore) }
}

function tellRemedy({ cure: { remedy } }: Watch, helped: boolean, now: number, actions: Action[]): void {
  if (remedy === null) return
  const { kind, cause, since } = remedy
  actions.push({ kind: 'tell-remedy', report: { remedy: kind, cause, helped, seconds: (now - since) / 1_000 } })
}

function healed(watch: Watch, now: number, actions: Action[]): Watch {
  const { health, cure, heartbeats } = watch
  if (health.kind === 'up' || cure.remedy !== null || now < cure.notBefore) return watch
  const cause = diagnose(cure, heartbeats, now)
  if (cause === null) return watch
  actions.push({ kind: 'remedy', remedy: 'new-source-port' })
  const after = { ...watch, cure: noteRemedyBegun(cure, cause, now) }
  if (health.kind === 'healing' && health.cause === cause) return after
  const healing: Health = { kind: 'healing', since: now, cause }
  actions.push({ kind: 'tell-health', from: health, to: healing })
  return { ...after, health: healing }
}

function heartbeatIfDue(watch: Watch, now: number, actions: Action[]): Watch {
  if (now < heartbeatDueAt(watch)) return watch
  actions.push({ kind: 'send-heartbeat', sequence: watch.heartbeats.nextSequence })
  return { ...watch, heartbeats: noteSent(watch.heartbeats, now) }
}

function registerIfDue(watch: Watch, now: number, actions: Action[]): Watch {
  if (!isDue(watch.registration, now)) return watch
  actions.push({ kind: 'register', reason: watch.registration.due.reason })
  return { ...watch, registration: noteRegistering(watch.registration, now) }
}

function heartbeatDueAt({ health, heartbeats, settings, ledger }: Watch): number {
  const { lastSentAt, missesInARow } = heartbeats
  if (lastSentAt === null) return -Infinity
  const gapMs = heartbeatGapMs(health, missesInARow, settings.heartbeatMs, lastSentAt)
  // The hub looks once a second: a home that has just come up asks again for what the hub had not seen yet.
  const isCurious = ledger.current === null && health.kind === 'up' && lastSentAt - health.since < CURIOUS_MS
  return lastSentAt + (isCurious ? Math.min(gapMs, 1_000) : gapMs)
}
