import type { Endpoint } from '../../wireguard/spec.ts'
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
  | { readonly kind: 'registration-ended'; readonly outcome: RegistrationOutcome; readonly mapping: Endpoint | null }
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

const CURIOUS_MS = 5_000

export function startWatch(settings: WatchSettings, ledger: Ledger, firstSequence: number, now: number): Watch {
  return {
    settings,
    health: { kind: 'starting', since: now },
    heartbeats: noHeartbeats(firstSequence),
    registration: notRegistered(now),
    ledger,
  }
}

/** Decides, never acts. `now` is monotonic milliseconds. */
export function next(watch: Watch, event: WatchEvent, now: number): readonly [Watch, readonly Action[]] {
  const actions: Action[] = []
  let [after, answered] = taken(watch, event, now, actions)
  after = { ...after, heartbeats: noteOverdue(after.heartbeats, now) }
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
      const after = { ...watch, registration }
      // A heartbeat that was answered meanwhile knows better: it came through the mapping itself.
      const isOlder = (watch.heartbeats.answeredAt ?? -Infinity) >= (pending?.since ?? now)
      return [isOlder ? after : mappingSeen(after, event.mapping, now, actions), false]
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
  return { ...watch, ledger, registration: registerSoon(watch.registration, 'mapping-changed', now) }
}

function judged(watch: Watch, answered: boolean, now: number, actions: Action[]): Watch {
  const { missesInARow } = watch.heartbeats
  const evidence = { answered, missesInARow, missesThatCount: missesThatCount(watch.heartbeats) }
  const health = judge(watch.health, evidence, now)
  if (health.kind === watch.health.kind) return { ...watch, health }
  actions.push({ kind: 'tell-health', from: watch.health, to: health })
  if (health.kind !== 'offline') return { ...watch, health }
  actions.push({ kind: 'restore' })
  return { ...watch, health, registration: registerSoon(watch.registration, 'doubt', now) }
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
