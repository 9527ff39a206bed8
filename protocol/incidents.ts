import * as v from 'valibot'
import { oneLine, quoted } from '../problems/printable.ts'
import { parseEndpoint } from '../wireguard/spec.ts'
import { knownOnes } from './known-ones.ts'
import { NameSchema } from './names.ts'

/** An outage as incidents.jsonl keeps it and both ends exchange it. Times: ISO 8601, UTC, the writer's calendar. */

const TimeSchema = v.pipe(v.string(), v.maxLength(30), v.isoTimestamp())
/** A word from the other end, on one line: it is shown in terminals, mails and spreadsheets. */
const WordSchema = v.pipe(v.string(), v.maxLength(80), v.transform(oneLine))
/** ADDRESS:PORT; anything else becomes null. */
const PlaceSchema = v.nullable(
  v.pipe(
    v.string(),
    v.maxLength(80),
    v.transform((text) => (parseEndpoint(text) === null ? null : text)),
  ),
)

/** The remedies that homeward knows by name; `other`: one of a newer version, or none at all. */
const REMEDY_KINDS = [
  'new-source-port',
  'forget-flow',
  'new-session',
  'set-endpoint',
  'register',
  'reset',
  'carrier',
  'silence',
  'rebuild',
  'set-mtu',
  'apply',
  'way-back',
  'other',
] as const
export type NamedRemedy = (typeof REMEDY_KINDS)[number]

/**
 * A remedy, and the endpoint that it went to. Whatever else the other end calls a remedy is `other`: only words of this
 * list are shown as homeward's own, and an end of another version is not refused for one.
 */
const RemedySchema = v.pipe(
  v.string(),
  v.maxLength(80),
  v.transform((text) => (isNamedRemedy(text) ? text : ('other' satisfies NamedRemedy))),
)
const ViewSchema = v.nullable(v.object({ began: TimeSchema, ended: v.nullable(TimeSchema) }))
const SaidSchema = v.nullable(v.object({ by: v.picklist(['home', 'hub']), at: TimeSchema }))
const IncidentIdSchema = v.pipe(v.string(), v.regex(/^[a-z0-9.-]{1,100}$/))

/** A sentence of the other end, on one line. */
const SentenceSchema = v.pipe(v.string(), v.maxLength(600), v.transform(oneLine))

/** A published port that fails, as people are told of it. */
const FailingPortSchema = v.object({
  /** The ports on the hub, such as `443/tcp`. */
  published: WordSchema,
  /** The service, ADDRESS:PORT. */
  target: WordSchema,
  link: v.picklist(['hub', 'tunnel', 'home', 'service']),
  why: SentenceSchema,
})

/** How many failing ports of an incident are written down. */
export const MOST_FAILING = 8

export const IncidentSchema = v.object({
  id: IncidentIdSchema,
  /** The id that the other end gave this incident, before both met. */
  alias: v.nullable(IncidentIdSchema),
  home: NameSchema,
  scope: v.picklist(['tunnel', 'agent', 'hub-daemon', 'registrar', 'router', 'publication', 'hub-files']),
  /** What of the scope it is about, where there may be several: the first of the published ports. Default: all of it. */
  subject: v.optional(WordSchema),
  /** Published ports that failed together, and how many more than are listed. Default: none. */
  failing: v.optional(v.pipe(v.array(FailingPortSchema), v.maxLength(MOST_FAILING))),
  moreFailing: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  began: TimeSchema,
  /** When the incident ended; null while it lasts. */
  ended: v.nullable(TimeSchema),
  /** How long the incident lasted, by the monotonic clock; null while it lasts. */
  seconds: v.nullable(v.number()),
  /** The cause that was proven last; `unknown` when none was. */
  cause: WordSchema,
  /** How the cause changed, first to last. */
  causes: v.pipe(v.array(v.object({ cause: WordSchema, at: TimeSchema })), v.maxLength(16)),
  /** How often the outage came back before the incident was over. */
  flaps: v.pipe(v.number(), v.integer(), v.minValue(0)),
  unstable: v.boolean(),
  tried: v.pipe(
    v.array(v.object({ remedy: RemedySchema, cause: WordSchema, helped: v.boolean(), seconds: v.number() })),
    v.maxLength(32),
  ),
  /** The home's ADDRESS:PORT as the hub saw it. */
  mapping: v.object({ before: PlaceSchema, after: PlaceSchema }),
  /** Which ends saw the outage, and from when to when. */
  views: v.object({ home: ViewSchema, hub: ViewSchema }),
  /** Which end told people, and when. */
  said: v.object({ down: SaidSchema, recovered: SaidSchema, reminded: v.nullable(TimeSchema) }),
  /** Whether the writer tells nobody (any more): it ended before there was anybody to tell, or its home is gone. */
  silenced: v.optional(v.boolean()),
  /** Until when it counts as made by a drill, as `homeward drill` breaks a tunnel. Default: it is a real one. */
  drillUntil: v.optional(TimeSchema),
  /** Whether both ends have compared what they know of the incident. */
  met: v.boolean(),
})

export type FailingPort = Readonly<v.InferOutput<typeof FailingPortSchema>>
export type IncidentRecord = v.InferOutput<typeof IncidentSchema>

/** Whether it is the name of a remedy, alone or with an endpoint. */
function isNamedRemedy(text: string): boolean {
  const [kind = '', endpoint, ...more] = text.split(' ')
  const isKnown = REMEDY_KINDS.some((known) => known === kind)
  return isKnown && more.length === 0 && (endpoint === undefined || parseEndpoint(endpoint) !== null)
}

/** A cause or a remedy for people: as homeward writes it, or marked as the words of whoever reported it. */
export function reportedWord(text: string): string {
  const match = /^[a-z][a-z\d-]{0,39}(?: (\S+))?$/.exec(text)
  const isOwn = match !== null && (match[1] === undefined || parseEndpoint(match[1]) !== null)
  return isOwn ? text : quoted(text, 60)
}

/** A home's outages in a registration, and for which of them it claims the right to notify. */
export const IncidentReport = v.object({
  /** The time by the home's calendar when it writes this: the times of its incidents count from here. */
  now: TimeSchema,
  /** Without those of a newer version's kinds: of them the hub says nothing, and the home tells people itself. */
  incidents: knownOnes(IncidentSchema, 8),
  claims: v.pipe(v.array(IncidentIdSchema), v.maxLength(8)),
  /** Whether the home has somebody to tell. */
  canSpeak: v.boolean(),
})

export const IncidentAnswer = v.object({
  now: TimeSchema,
  incidents: knownOnes(v.object({ was: IncidentIdSchema, incident: IncidentSchema }), 8),
  /** Incidents of this home that only the hub saw. */
  others: knownOnes(IncidentSchema, 8),
})

export type IncidentReport = v.InferOutput<typeof IncidentReport>
export type IncidentAnswer = v.InferOutput<typeof IncidentAnswer>
