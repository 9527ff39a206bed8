import { backoffMs } from '../../../system/time/backoff.ts'

/** When to tell the hub who and where we are. Pure; times are monotonic milliseconds. */
export interface Registration {
  /** At most one is under way. */
  readonly pending: { readonly since: number; readonly reason: RegistrationReason } | null
  /** Why and when the next one goes out. */
  readonly due: { readonly at: number; readonly reason: RegistrationReason }
  /** null: no registration has succeeded yet. */
  readonly succeededAt: number | null
  readonly succeeded: number
  readonly failuresInARow: number
  /** Answers in a row that this home is unknown; an answer that says neither does not end the row, silence does. */
  readonly unknownInARow: number
  /** How the registrar answered when last asked. */
  readonly registrar: Registrar
}

export type RegistrationReason = 'start' | 'periodic' | 'mapping-changed' | 'doubt' | 'configuration' | 'mtu' | 'asked'

/** `refusing`: it answers, and not as it should: nothing that this home says gets to the hub. */
export type Registrar = 'unknown' | 'reachable' | 'unreachable' | 'refusing'

/**
 * `unknown`: the registrar answered that it knows no home with this name and secret. `refused`: the registrar answered,
 * but not what was hoped for.
 */
export type RegistrationOutcome = 'done' | 'unknown' | 'refused' | 'unreachable'

const PERIOD_MS = 600_000

/** The least gap, whatever the reason: a mapping that changes with every packet must not flood the hub. */
const LEAST_GAP_MS = 5_000

/** The least gap in doubt: a dead flow must not wait, and doubts cannot come faster than heartbeats are missed. */
const LEAST_GAP_IN_DOUBT_MS = 1_000

/** Pauses after failures: 1, 2, 4 … 60 s, each a quarter shorter to a quarter longer. */
const PAUSES = { firstMs: 1_000, ceilingMs: 60_000 } as const
const JITTER = 0.25

/** `due` while a registration is under way and nothing happened since. */
const NOTHING_DUE: Registration['due'] = { at: Infinity, reason: 'periodic' }

export function notRegistered(now: number): Registration {
  return {
    pending: null,
    due: { at: now, reason: 'start' },
    succeededAt: null,
    succeeded: 0,
    failuresInARow: 0,
    unknownInARow: 0,
    registrar: 'unknown',
  }
}

/** Something happened that the hub should know of: the next registration is due soon, after a pending one. */
export function registerSoon(registration: Registration, reason: RegistrationReason, now: number): Registration {
  if (registration.pending !== null) return { ...registration, due: { at: now, reason } }
  // After failures the growing pause stands: a registration is due anyway, and asking faster would not help.
  if (registration.failuresInARow > 0) return { ...registration, due: { ...registration.due, reason } }
  const gapMs = reason === 'doubt' ? LEAST_GAP_IN_DOUBT_MS : LEAST_GAP_MS
  const at = Math.max(now, (registration.succeededAt ?? -Infinity) + gapMs)
  return { ...registration, due: { at: Math.min(at, registration.due.at), reason } }
}

export function isDue(registration: Registration, now: number): boolean {
  return registration.pending === null && now >= registration.due.at
}

export function noteRegistering(registration: Registration, now: number): Registration {
  return {
    ...registration,
    pending: { since: now, reason: registration.due.reason },
    due: NOTHING_DUE,
  }
}

/**
 * @param jitter 0 … 1, another for each home: a thousand homes must not come in the same second after their hub was away.
 */
export function noteOutcome(
  registration: Registration,
  outcome: RegistrationOutcome,
  jitter: number,
  now: number,
): Registration {
  const { due, pending } = registration
  if (outcome === 'done')
    return {
      pending: null,
      // A registration that became due meanwhile is not forgotten, but keeps its distance.
      due:
        due.at === Infinity
          ? { at: now + PERIOD_MS, reason: 'periodic' }
          : { at: now + LEAST_GAP_MS, reason: due.reason },
      succeededAt: now,
      succeeded: registration.succeeded + 1,
      failuresInARow: 0,
      unknownInARow: 0,
      registrar: 'reachable',
    }
  const unknownInARow = unknownAfter(registration, outcome)
  // The first such answer is followed by another question soon, however long the hub was away before.
  const failuresInARow = outcome === 'unknown' ? unknownInARow : registration.failuresInARow + 1
  return {
    ...registration,
    pending: null,
    due: {
      at: now + backoffMs(PAUSES, failuresInARow, { share: JITTER, chance: jitter }),
      reason: due.at === Infinity ? (pending?.reason ?? 'periodic') : due.reason,
    },
    failuresInARow,
    unknownInARow,
    registrar: REGISTRAR_AFTER[outcome],
  }
}

const REGISTRAR_AFTER = {
  unknown: 'reachable',
  refused: 'refusing',
  unreachable: 'unreachable',
} as const satisfies Record<Exclude<RegistrationOutcome, 'done'>, Registrar>

function unknownAfter({ unknownInARow }: Registration, outcome: Exclude<RegistrationOutcome, 'done'>): number {
  switch (outcome) {
    case 'unknown':
      return unknownInARow + 1
    case 'refused':
      return unknownInARow
    case 'unreachable':
      return 0
    default:
      return outcome satisfies never
  }
}
