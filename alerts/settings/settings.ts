import * as v from 'valibot'
import { ALL_TROUBLES } from '../record/troubles.ts'
import { fromShorthand } from './shorthand.ts'

/** alerts.yaml, the same at home and on the hub. It holds the channels' secrets, so it is a file of mode 0600. */

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(2_000))
const WebUrlSchema = v.pipe(
  text,
  v.check(
    (url) => /^https?:\/\/[^\s/]+/.test(url) && URL.canParse(url),
    'expected an address that begins with https:// or http://',
  ),
)
const seconds = (least: number, most: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most))

/** What a channel can be told of: outages, what members of the hub did, summaries. */
const SUBJECTS = ['outages', 'security', 'summary'] as const
export type Subject = (typeof SUBJECTS)[number]

/** What a channel is told. Default: everything. */
const TAKES = { takes: v.optional(v.pipe(v.array(v.picklist(SUBJECTS)), v.minLength(1))) }

/** The settings of each kind of channel. Fields are named as in the service's own manual. */
export const ChannelObjectSchema = v.variant('kind', [
  v.strictObject({
    ...TAKES,
    kind: v.literal('ntfy'),
    server: v.optional(WebUrlSchema, 'https://ntfy.sh'),
    topic: text,
    token: v.optional(text),
    user: v.optional(text),
    password: v.optional(text),
  }),
  v.strictObject({ ...TAKES, kind: v.literal('gotify'), server: WebUrlSchema, token: text }),
  v.strictObject({
    ...TAKES,
    kind: v.literal('telegram'),
    server: v.optional(WebUrlSchema, 'https://api.telegram.org'),
    token: text,
    chat: text,
    thread: v.optional(v.pipe(v.number(), v.integer())),
  }),
  v.strictObject({ ...TAKES, kind: v.literal('discord'), webhook: WebUrlSchema }),
  v.strictObject({ ...TAKES, kind: v.literal('slack'), webhook: WebUrlSchema }),
  v.strictObject({
    ...TAKES,
    kind: v.literal('pushover'),
    server: v.optional(WebUrlSchema, 'https://api.pushover.net'),
    token: text,
    user: text,
    device: v.optional(text),
  }),
  v.strictObject({
    ...TAKES,
    kind: v.literal('mail'),
    host: text,
    port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))),
    /** starttls: on 587, and refused without; tls: from the first byte, on 465; none: plain, for a server of one's own LAN. */
    security: v.optional(v.picklist(['starttls', 'tls', 'none']), 'starttls'),
    user: v.optional(text),
    password: v.optional(text),
    from: text,
    to: v.union([text, v.pipe(v.array(text), v.minLength(1), v.maxLength(20))]),
  }),
  v.strictObject({
    ...TAKES,
    kind: v.literal('webhook'),
    url: WebUrlSchema,
    /** `whsec_` and base64, as Standard Webhooks writes it; default: no signature. */
    secret: v.optional(v.pipe(v.string(), v.regex(/^whsec_[A-Za-z0-9+/]{16,}={0,2}$/, 'expected whsec_ and base64'))),
  }),
  v.strictObject({
    ...TAKES,
    kind: v.literal('apprise'),
    server: WebUrlSchema,
    /** The key under which services are stored on the server; or the services themselves. */
    key: v.optional(text),
    urls: v.optional(text),
    tag: v.optional(text),
  }),
  v.strictObject({
    ...TAKES,
    kind: v.literal('homeassistant'),
    /** mqtt://HOST:1883 or mqtts://HOST:8883 */
    broker: v.pipe(
      text,
      v.check((url) => /^mqtts?:\/\/[^\s/]+/.test(url) && URL.canParse(url), 'expected mqtt://HOST or mqtts://HOST'),
    ),
    user: v.optional(text),
    password: v.optional(text),
    discoveryPrefix: v.optional(v.pipe(v.string(), v.regex(/^[\w/-]{1,60}$/, 'expected a topic')), 'homeassistant'),
    everySeconds: v.optional(seconds(5, 3_600), 60),
  }),
  v.strictObject({
    kind: v.literal('healthchecks'),
    url: WebUrlSchema,
    everySeconds: v.optional(seconds(10, 86_400), 60),
  }),
  v.strictObject({
    kind: v.literal('uptime-kuma'),
    url: WebUrlSchema,
    everySeconds: v.optional(seconds(10, 86_400), 60),
  }),
])

/** @see GivenChannel for `fromHub`, which no file may say. */
export type ChannelSettings = v.InferOutput<typeof ChannelObjectSchema> & { readonly fromHub?: true }

/** A channel, in full or as one line that users of Apprise and shoutrrr know. */
const ChannelSchema = v.pipe(
  v.union([v.string(), v.looseObject({ kind: v.string() })]),
  v.transform((given): unknown => (typeof given === 'string' ? (fromShorthand(given) ?? { kind: 'unknown' }) : given)),
  ChannelObjectSchema,
)

export const ChannelNameSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9-]{1,32}$/, 'use 1 to 32 of a-z, 0-9 and - for its name'),
)
const CronSchema = v.pipe(v.string(), v.maxLength(100))
const SecondsSchema = seconds(0, 86_400)

export const AlertSettingsSchema = v.strictObject({
  channels: v.optional(
    v.pipe(
      v.record(ChannelNameSchema, ChannelSchema),
      v.check((channels) => Object.keys(channels).length <= 20, 'expected 20 channels at most'),
    ),
    {},
  ),
  /** On the hub: channels that all homes use too. At home it says nothing, so that one file does at both ends. */
  everywhere: v.optional(v.pipe(v.array(ChannelNameSchema), v.maxLength(20)), []),
  /** How long a trouble lasts before anybody is told: for all, or by its name. */
  showAfterSeconds: v.optional(
    v.union([SecondsSchema, v.record(v.picklist(['default', ...ALL_TROUBLES]), SecondsSchema)]),
    {},
  ),
  /** Cron expressions: between the two nothing is sent, and what happened is told at their end. */
  quietHours: v.optional(v.nullable(v.strictObject({ from: CronSchema, until: CronSchema })), null),
  /** A cron expression of when a summary is sent. */
  summary: v.optional(v.nullable(CronSchema), null),
  /** How many outages within how many minutes one message stands for, until nothing happened for how long. */
  unstable: v.optional(
    v.strictObject({
      outages: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(1_000)), 3),
      withinMinutes: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(1_440)), 30),
      calmMinutes: v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(1_440)), 15),
    }),
    {},
  ),
})

export type AlertSettings = Omit<v.InferOutput<typeof AlertSettingsSchema>, 'channels'> & {
  readonly channels: Readonly<Record<string, ChannelSettings>>
}

export const NO_ALERTS: AlertSettings = v.parse(AlertSettingsSchema, {})
