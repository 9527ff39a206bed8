import * as v from 'valibot'

/** Events worth remembering, as they are in events.jsonl: one JSON object a line, oldest first. */

const EndpointSchema = v.object({ address: v.string(), port: v.number() })
const at = v.string()
/** The event was made by a drill. Default: it was not. */
const drill = v.optional(v.literal(true))

const EventSchema = v.variant('kind', [
  v.object({ at, kind: v.literal('agent-started'), version: v.string() }),
  v.object({ at, kind: v.literal('agent-stopped') }),
  /** One way of a drill: what was broken on purpose, and what came of it. */
  v.object({
    at,
    kind: v.literal('drill'),
    way: v.string(),
    /** `cut-off`: the agent ended in the midst of it. */
    to: v.picklist(['began', 'ended', 'cut-off']),
    noticedSeconds: v.nullable(v.number()),
    healedSeconds: v.nullable(v.number()),
    cause: v.nullable(v.string()),
    isRight: v.boolean(),
  }),
  /** The tunnel's state changed; `seconds` is how long the one before had lasted. */
  v.object({
    at,
    kind: v.literal('tunnel'),
    from: v.string(),
    to: v.string(),
    /** Known while the tunnel is healing, and at times while it is offline. Lines of an older version have none. */
    cause: v.optional(v.nullable(v.string()), null),
    seconds: v.number(),
    drill,
  }),
  /** A cause that was proven while the state stayed the same. */
  v.object({ at, kind: v.literal('cause'), cause: v.string(), drill }),
  /** One remedy; `seconds` from its begin to the answer that proved it, or until it was given up. */
  v.object({
    at,
    kind: v.literal('remedy'),
    remedy: v.string(),
    cause: v.string(),
    helped: v.boolean(),
    seconds: v.number(),
    drill,
  }),
  v.object({
    at,
    kind: v.literal('mapping'),
    address: v.string(),
    port: v.number(),
    /** How often one mapping followed another, ever. */
    changes: v.number(),
    /** null: the first mapping this home knows of. */
    previous: v.nullable(
      v.object({
        ...EndpointSchema.entries,
        since: v.nullable(v.string()),
        ended: v.picklist(['port', 'address', 'silence']),
      }),
    ),
    drill,
  }),
  v.object({
    at,
    kind: v.literal('registrar'),
    to: v.picklist(['reachable', 'unreachable', 'refusing']),
    why: v.nullable(v.string()),
    drill,
  }),
  /** Steps that were executed to bring this machine to what agent.yaml wants. */
  v.object({ at, kind: v.literal('applied'), steps: v.array(v.string()) }),
  v.object({ at, kind: v.literal('apply-failed'), code: v.string(), why: v.string() }),
  /** This machine's clock was wrong: by its own memory, for which the tunnel waited, or by the hub's word. */
  v.object({
    at,
    kind: v.literal('clock'),
    /** Negative: the clock is ahead. */
    behindSeconds: v.number(),
    /** null: nothing waited. */
    waitedSeconds: v.nullable(v.number()),
  }),
  /** The tunnel has a new key; or null, and why not. */
  v.object({
    at,
    kind: v.literal('key'),
    publicKey: v.nullable(v.string()),
    why: v.nullable(v.string()),
  }),
  /** The hub gave this home another address in the tunnel. */
  v.object({ at, kind: v.literal('place'), address: v.string(), network: v.string() }),
  /** The hub has another key and certificate, which the one before has signed. */
  v.object({ at, kind: v.literal('hub-identity'), publicKey: v.string(), certificate: v.string() }),
  v.object({ at, kind: v.literal('configuration'), taken: v.boolean(), why: v.nullable(v.string()) }),
])

export type HomeEvent = v.InferOutput<typeof EventSchema>

/** An event without its time, which the shell adds. */
export type NewEvent = HomeEvent extends infer Each ? (Each extends HomeEvent ? Omit<Each, 'at'> : never) : never

/** Kinds of events that a drill makes as an outage does. */
const DRILLED = ['tunnel', 'cause', 'remedy', 'mapping', 'registrar'] as const

/** The event as one that a drill made, where it is of such a kind. */
export function byDrill(event: NewEvent): NewEvent {
  return DRILLED.some((kind) => kind === event.kind) ? ({ ...event, drill: true } as NewEvent) : event
}

/** null for a torn or foreign line: what a power cut left must not hide the rest. */
export function parseEvent(line: string): HomeEvent | null {
  try {
    const result = v.safeParse(EventSchema, JSON.parse(line))
    return result.success ? result.output : null
  } catch {
    return null
  }
}
