import type { Incident, Tried } from './incident.ts'
import type { End, Scope, Trouble } from './trouble.ts'

/** What an end knows of outages. Every moment is monotonic milliseconds. */
export interface IncidentState {
  readonly settings: IncidentSettings
  /** Since when somebody would hear it: -Infinity, ever since this end runs; Infinity: nobody would. */
  readonly speaksSince: number
  /** Those that last, and those that are over but not yet told or compared; on the hub also those of the last day. */
  readonly incidents: readonly Incident[]
  /** When the last ones began, by home and scope: what comes again and again is one. */
  readonly begun: Readonly<Record<string, readonly number[]>>
  /** At home: what is asked of the hub. */
  readonly exchange: Exchange
  /** At home: what the hub knows, by incident: when it was told, and how many causes there were. */
  readonly told: Readonly<Record<string, { readonly at: number; readonly causes: number }>>
  /** On the hub: when each home last reported, and whether it can speak. */
  readonly reports: Readonly<Record<string, { readonly at: number; readonly canSpeak: boolean }>>
}

export interface IncidentSettings {
  readonly end: End
  /** Somebody would hear it: there is a channel. */
  readonly canSpeak: boolean
  /** How long each trouble lasts before anybody is told. */
  readonly pendingMs: Readonly<Record<Trouble, number>>
  readonly unstable: {
    /** The how-manieth outage within the window makes it unstable. */
    readonly outages: number
    readonly withinMs: number
    /** It is over when nothing happened for so long. */
    readonly calmMs: number
  }
}

interface Exchange {
  readonly isUnderWay: boolean
  /** What the last question told of each: by the time of its answer it may have more causes, or be over. */
  readonly given: Readonly<Record<string, { readonly causes: number; readonly isOver: boolean }>>
  /** The hub was asked once for what was missed while no agent ran. */
  readonly hasAsked: boolean
  readonly failures: number
  readonly notBefore: number
  /** The last question claimed the right to notify, and was not only for news. */
  readonly hasClaimed: boolean
}

export type IncidentEvent =
  | { readonly kind: 'tick' }
  /** Something is wrong, since then. The same may be said again and again. */
  | {
      readonly kind: 'sign'
      /** For a new incident. */
      readonly id: string
      readonly home: string
      readonly scope: Scope
      readonly trouble: Trouble
      readonly since: number
    }
  /** It was wrong, and was well again before anybody could act. */
  | { readonly kind: 'passing'; readonly id: string; readonly home: string; readonly trouble: Trouble }
  | { readonly kind: 'well'; readonly home: string; readonly scope: Scope; readonly since: number }
  | { readonly kind: 'tried'; readonly home: string; readonly tried: Tried }
  | { readonly kind: 'moved'; readonly home: string; readonly before: string | null; readonly after: string }
  /** At home: what came of asking the hub for these; null when it was not reached. */
  | { readonly kind: 'exchanged'; readonly asked: readonly string[]; readonly answer: Answer | null }
  /** On the hub: a home reports, and claims the right to notify for some. */
  | {
      readonly kind: 'reported'
      readonly home: string
      readonly incidents: readonly Incident[]
      readonly claims: readonly string[]
      readonly canSpeak: boolean
    }
  | { readonly kind: 'configured'; readonly settings: IncidentSettings }
  /** On the hub: there are no other homes any more. */
  | { readonly kind: 'homes'; readonly homes: readonly string[] }

/** What the hub says to a home's report. */
export interface Answer {
  /** `was` is what the home called it. */
  readonly incidents: readonly { readonly was: string; readonly incident: Incident }[]
  /** What only the hub saw, since nobody was awake at home. */
  readonly others: readonly Incident[]
}

export type IncidentAction =
  | { readonly kind: 'say'; readonly what: NotificationKind; readonly incident: Incident }
  | { readonly kind: 'write'; readonly incident: Incident }
  /** It is over, as far as this end knows. Once for each. */
  | { readonly kind: 'over'; readonly incident: Incident }
  /** Ends with one `exchanged`. */
  | { readonly kind: 'exchange'; readonly incidents: readonly Incident[]; readonly claims: readonly string[] }

/** `unstable` and `steady` are "down" and "recovered" of what comes again and again. */
export type NotificationKind = 'down' | 'recovered' | 'unstable' | 'steady' | 'reminder'

/** Where the two ends differ: the rest of the rules does not ask at which of them it runs. */
export interface Policy {
  /** Asks the other end, and gives it the news. */
  readonly asks: boolean
  /** People may be told of what is due without asking the other end. */
  readonly tellsUnasked: (incident: Incident, state: IncidentState, now: number) => boolean
  /** Enough is known of what is over for people to be told. */
  readonly isExplained: (incident: Incident, now: number) => boolean
  /** All is well as this end sees it, and the other end, which saw it too, has yet to say that it is over. */
  readonly awaitsOther: (incident: Incident, state: IncidentState, now: number) => boolean
  /** Nothing is to be told, asked or compared any more. */
  readonly isDone: (incident: Incident, state: IncidentState, now: number) => boolean
  /** However long the ends do not meet. */
  readonly mostKept: number
}

/** What lasts so long is written down at once, whoever is reached: a Pi may lose its power while it happens. */
export const LASTING_MS = 10_000

export function replaced(state: IncidentState, before: Incident, after: Incident): IncidentState {
  if (before === after) return state
  return { ...state, incidents: state.incidents.map((one) => (one === before ? after : one)) }
}
