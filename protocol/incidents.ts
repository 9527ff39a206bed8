import * as v from 'valibot'
import { oneLine, quoted } from '../problems/printable.ts'
import { parseEndpoint } from '../wireguard/spec.ts'
import { NameSchema } from './names.ts'

/** One outage as it stands in incidents.jsonl and travels between the two ends. Moments are ISO 8601, UTC, by the writer's calendar. */

const TimeSchema = v.pipe(v.string(), v.maxLength(30), v.isoTimestamp())
/** Somebody else's: it stands in terminals, mails and spreadsheets. */
const WordSchema = v.pipe(v.string(), v.maxLength(80), v.transform(oneLine))
/** ADDRESS:PORT; anything else is nowhere. */
const PlaceSchema = v.nullable(
  v.pipe(
    v.string(),
    v.maxLength(80),
    v.transform((text) => (parseEndpoint(text) === null ? null : text)),
  ),
)
const ViewSchema = v.nullable(v.object({ began: TimeSchema, ended: v.nullable(TimeSchema) }))
const SaidSchema = v.nullable(v.object({ by: v.picklist(['home', 'hub']), at: TimeSchema }))
const IncidentIdSchema = v.pipe(v.string(), v.regex(/^[a-z0-9.-]{1,100}$/))

export const IncidentSchema = v.object({
  id: IncidentIdSchema,
  /** What the other end called it, before both met. */
  alias: v.nullable(IncidentIdSchema),
  home: NameSchema,
  scope: v.picklist(['tunnel', 'agent', 'hub-daemon', 'registrar', 'router']),
  began: TimeSchema,
  /** null: it lasts. */
  ended: v.nullable(TimeSchema),
  /** By the monotonic clock; null while it lasts. */
  seconds: v.nullable(v.number()),
  /** What was proven last; `unknown` when nothing was. */
  cause: WordSchema,
  /** How that changed, first to last. */
  causes: v.pipe(v.array(v.object({ cause: WordSchema, at: TimeSchema })), v.maxLength(16)),
  /** How often it came back before it was over. */
  flaps: v.pipe(v.number(), v.integer(), v.minValue(0)),
  unstable: v.boolean(),
  tried: v.pipe(
    v.array(v.object({ remedy: WordSchema, cause: WordSchema, helped: v.boolean(), seconds: v.number() })),
    v.maxLength(32),
  ),
  /** ADDRESS:PORT, as the hub saw the home. */
  mapping: v.object({ before: PlaceSchema, after: PlaceSchema }),
  /** Who saw it, and from when to when. */
  views: v.object({ home: ViewSchema, hub: ViewSchema }),
  /** Who told people, and when. */
  said: v.object({ down: SaidSchema, recovered: SaidSchema, reminded: v.nullable(TimeSchema) }),
  /** The end that wrote this says nothing of it, or nothing more: it was over before there was anybody to tell, or its home is gone. */
  silenced: v.optional(v.boolean()),
  /** Both ends have compared what they know of it. */
  met: v.boolean(),
})

export type IncidentRecord = v.InferOutput<typeof IncidentSchema>

/** A cause or a remedy for people: as homeward writes it, or marked as the words of whoever reported it. */
export function reportedWord(text: string): string {
  const match = /^[a-z][a-z\d-]{0,39}(?: (\S+))?$/.exec(text)
  const isOwn = match !== null && (match[1] === undefined || parseEndpoint(match[1]) !== null)
  return isOwn ? text : quoted(text, 60)
}

/** In a registration: what a home has to tell of its outages, and for which of them it asks to be the one who tells people. */
export const IncidentReport = v.object({
  /** What the home's calendar shows as it writes this: its moments count from here. */
  now: TimeSchema,
  incidents: v.pipe(v.array(IncidentSchema), v.maxLength(8)),
  claims: v.pipe(v.array(IncidentIdSchema), v.maxLength(8)),
  /** It has somebody to tell. */
  canSpeak: v.boolean(),
})

export const IncidentAnswer = v.object({
  now: TimeSchema,
  incidents: v.array(v.object({ was: IncidentIdSchema, incident: IncidentSchema })),
  /** What the hub alone saw of this home. */
  others: v.array(IncidentSchema),
})

export type IncidentReport = v.InferOutput<typeof IncidentReport>
export type IncidentAnswer = v.InferOutput<typeof IncidentAnswer>
