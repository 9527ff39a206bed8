import * as v from 'valibot'
import { PROTOCOL_VERSION } from './messages.ts'

/** The ways in which `homeward drill` breaks a tunnel, in the order in which they are tried. */
export const DRILL_WAYS = ['mapping', 'heartbeats', 'port', 'daemon'] as const
export type DrillWay = (typeof DRILL_WAYS)[number]

export const DrillWaySchema = v.picklist(DRILL_WAYS)

/** The longest that one way may break a tunnel. The hub holds a home to it. */
export const LONGEST_DRILL_SECONDS = 30

/** POST /v1/drill. A home announces a way; what breaks at the hub is broken from this answer on, for so many seconds. */
export const DrillRequest = v.object({
  version: v.literal(PROTOCOL_VERSION),
  way: DrillWaySchema,
  seconds: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LONGEST_DRILL_SECONDS)),
  /** Answer, or refuse, and break nothing. */
  preview: v.optional(v.boolean(), false),
})

export const DrillAnswer = v.object({
  /** For how long the hub breaks it, or takes what it sees of this home as the drill's. */
  seconds: v.number(),
  /** Whether the hub has other ports that lead to WireGuard. */
  hasOtherPorts: v.boolean(),
})

const SecondsSchema = v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(3_600)))

/** What came of one way, as both ends tell people. */
const DrillResultSchema = v.object({
  way: DrillWaySchema,
  /** From the break to the first sign that the home noticed; null: it never did. */
  noticedSeconds: SecondsSchema,
  /** From the break until the tunnel was proven to carry again; null: it was not, in its time. */
  healedSeconds: SecondsSchema,
  /** The cause that was named last; null: none. */
  cause: v.nullable(v.pipe(v.string(), v.regex(/^[a-z][a-z-]{0,39}$/))),
  /** Whether that is the cause that this way has. */
  isRight: v.boolean(),
})
export type DrillResult = Readonly<v.InferOutput<typeof DrillResultSchema>>

/** POST /v1/drill/end. The way is over: the hub takes back what it broke, and tells people by its own channels. */
export const DrillEndRequest = v.object({ version: v.literal(PROTOCOL_VERSION), result: DrillResultSchema })
export type DrillRequest = v.InferOutput<typeof DrillRequest>
export type DrillAnswer = v.InferOutput<typeof DrillAnswer>
