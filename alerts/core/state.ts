import type { FailingPort, Incident, Tried } from './incident.ts'
import type { Added } from './intake.ts'
import type { End, Scope, Trouble } from './trouble.ts'

/** An end's knowledge of outages. Every moment is monotonic milliseconds. */
export interface IncidentState {
  readonly settings: IncidentSettings
  /** Since when somebody would hear of an incident: -Infinity, ever since this end runs; Infinity: nobody would. */
  readonly speaksSince: number
  /** Incidents that last, and those that are over, not yet told or compared; on the hub also those of the last day. */
  readonly incidents: readonly Incident[]
  /** When the last incidents began, by home and scope: one that comes again and again is unstable. */
  readonly begun: Readonly<Record<string, readonly number[]>>
  /** Until when each home breaks its own tunnel on purpose. */
  readonly drills: Readonly<Record<string, number>>
  /** At home: the questions to the hub. */
  readonly exchange: Exchange
  /** At home: what the hub knows, by incident: when it was told, and how many causes there were. */
  readonly told: Readonly<Record<string, { readonly at: number; readonly causes: number }>>
  /** On the hub: when each home last reported, and whether the home can speak. */
  readonly reports: Readonly<Record<string, Report>>
}

interface Report {
  readonly at: number
  readonly canSpeak: boolean
  /** The incidents that the home's reports added. Default: none. */
  readonly added?: Added
}

export interface IncidentSettings {
  readonly end: End
  /** Whether somebody would hear a message: there is a channel. */
  readonly canSpeak: boolean
  /** How long each trouble lasts before anybody is told. */
  readonly pendingMs: Readonly<Record<Trouble, number>>
  readonly unstable: {
    /** How many outages within the window make it unstable. */
    readonly outages: number
    readonly withinMs: number
    /** The unstable state is over when nothing happened for so long. */
    readonly calmMs: number
  }
}

interface Exchange {
  readonly isUnderWay: boolean
  /** What the last question told of each incident, which may have more causes, or be over, by the answer. */
  readonly given: Readonly<Record<string, { readonly causes: number; readonly isOver: boolean }>>
  /** Whether the hub was asked once for what was missed while no agent ran. */
  readonly hasAsked: boolean
  readonly failures: number
  readonly notBefore: number
  /** Whether the last question claimed the right to notify, and was not only for news. */
  readonly hasClaimed: boolean
}

export type IncidentEvent =
  | { readonly kind: 'tick' }
  /** Something is wrong, since then. The same sign may come again and again. */
  | {
      readonly kind: 'sign'
      /** The id for a new incident. */
      readonly id: string
      readonly home: string
      readonly scope: Scope
      readonly trouble: Trouble
      readonly since: number
      /** Default: all of the scope. */
      readonly subject?: string
      /** The published ports that fail. */
      readonly failing?: readonly FailingPort[]
    }
  /** Something was wrong, and was well again before anybody could act. */
  | { readonly kind: 'passing'; readonly id: string; readonly home: string; readonly trouble: Trouble }
  | {
      readonly kind: 'well'
      readonly home: string
      readonly scope: Scope
      readonly since: number
      readonly subject?: string
    }
  /** What the incident was about is there no more: nobody needs to hear of it. */
  | { readonly kind: 'dropped'; readonly home: string; readonly scope: Scope; readonly subject: string }
  | { readonly kind: 'tried'; readonly home: string; readonly tried: Tried }
  | { readonly kind: 'moved'; readonly home: string; readonly before: string | null; readonly after: string }
  /** At home: the outcome of asking the hub for these; null when the hub was not reached. */
  | { readonly kind: 'exchanged'; readonly asked: readonly string[]; readonly answer: Answer | null }
  /** On the hub: a home reports, and claims the right to notify for some incidents. */
  | {
      readonly kind: 'reported'
      readonly home: string
      readonly incidents: readonly Incident[]
      readonly claims: readonly string[]
      readonly canSpeak: boolean
    }
  /** The home breaks its own tunnel on purpose until then, or did. */
  | { readonly kind: 'drill'; readonly home: string; readonly until: number }
  | { readonly kind: 'configured'; readonly settings: IncidentSettings }
  /** On the hub: there are no homes but these. */
  | { readonly kind: 'homes'; readonly homes: readonly string[] }

/** The hub's answer to a home's report. */
export interface Answer {
  /** `was` is the home's id of the incident. */
  readonly incidents: readonly { readonly was: string; readonly incident: Incident }[]
  /** Incidents that only the hub saw, since nobody was awake at home. */
  readonly others: readonly Incident[]
}

export type IncidentAction =
  | { readonly kind: 'say'; readonly what: NotificationKind; readonly incident: Incident }
  | { readonly kind: 'write'; readonly incident: Incident }
  /** The incident is over, as far as this end knows. Once for each. */
  | { readonly kind: 'over'; readonly incident: Incident }
  /** Answered by one `exchanged`. */
  | { readonly kind: 'exchange'; readonly incidents: readonly Incident[]; readonly claims: readonly string[] }

/** `unstable` and `steady` are "down" and "recovered" of an incident that comes again and again. */
export type NotificationKind = 'down' | 'recovered' | 'unstable' | 'steady' | 'reminder'

/** The differences between the two ends: the rest of the rules does not ask at which end it runs. */
export interface Policy {
  /** Whether this end asks the other, and gives it the news. */
  readonly asks: boolean
  /** Whether people may be told of a due incident without asking the other end. */
  readonly tellsUnasked: (incident: Incident, state: IncidentState, now: number) => boolean
  /** Whether enough is known of an incident that is over for people to be told. */
  readonly isExplained: (incident: Incident, now: number) => boolean
  /** Whether the other end, which saw the trouble, has yet to say that it is over, while this end sees all well. */
  readonly awaitsOther: (incident: Incident, state: IncidentState, now: number) => boolean
  /** Whether nothing is to be told, asked or compared any more. */
  readonly isDone: (incident: Incident, state: IncidentState, now: number) => boolean
  /** The most incidents that are kept, however long the ends do not meet. */
  readonly mostKept: number
}

/** How long an incident lasts until it is written down, whoever is reached: a Pi may lose its power during it. */
export const LASTING_MS = 10_000

export function replaced(state: IncidentState, before: Incident, after: Incident): IncidentState {
  if (before === after) return state
  return { ...state, incidents: state.incidents.map((one) => (one === before ? after : one)) }
}
