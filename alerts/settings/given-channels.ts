import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { isIP } from 'node:net'
import * as v from 'valibot'
import { isOnInternet } from '../../net/on-internet.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import { type AlertSettings, ChannelNameSchema, ChannelObjectSchema, type ChannelSettings } from './settings.ts'

/**
 * Channels that the hub's owner gives all homes (`everywhere` in the hub's alerts.yaml). A home takes them from its hub
 * and from nobody else, and they lead out into the internet alone: whoever takes the hub over must not have homes ask
 * for something in their own networks.
 */
export interface GivenChannel {
  readonly name: string
  readonly settings: Readonly<Record<string, unknown>>
}

/** As many as alerts.yaml may have. */
const MOST = 20

/** Kinds that are one HTTPS request. Mail and MQTT open connections of their own; a sign of life is of one machine. */
const GIVABLE: ReadonlySet<string> = new Set([
  'ntfy',
  'gotify',
  'telegram',
  'discord',
  'slack',
  'pushover',
  'webhook',
  'apprise',
])

/** Why a channel cannot be given to homes; null: it can. */
export function whyNotGivable(settings: ChannelSettings): string | null {
  if (!GIVABLE.has(settings.kind))
    return `${settings.kind} is a channel of one machine; homes take ${[...GIVABLE].join(', ')}`
  const { protocol, hostname } = new URL(addressOf(settings))
  if (protocol !== 'https:') return 'homes send what the hub gives them over HTTPS only'
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0 && !isOnInternet(host)) return 'homes send what the hub gives them to the internet only'
  return null
}

function addressOf(settings: ChannelSettings): string {
  if ('server' in settings) return settings.server
  if ('webhook' in settings) return settings.webhook
  return 'url' in settings ? settings.url : 'none:'
}

/** The channels that a hub's alerts.yaml gives its homes. */
export function givenBy({ channels, everywhere }: AlertSettings): readonly GivenChannel[] {
  return everywhere.flatMap((name) => {
    const settings = channels[name]
    return settings === undefined || whyNotGivable(settings) !== null ? [] : [{ name, settings: { ...settings } }]
  })
}

/** What of a hub's list this home takes; a kind or a field that it does not know is left out. */
export function takenFrom(list: readonly GivenChannel[]): AlertSettings['channels'] {
  return Object.fromEntries(
    list.slice(0, MOST).flatMap(({ name, settings }) => {
      const read = v.safeParse(ChannelObjectSchema, settings)
      if (!v.is(ChannelNameSchema, name) || !read.success || whyNotGivable(read.output) !== null) return []
      return [[`hub/${name}`, { ...read.output, fromHub: true as const }]]
    }),
  )
}

/** A home's settings with what its hub gave; a channel that alerts.yaml has itself is one channel. */
export function withGiven(own: AlertSettings, given: AlertSettings['channels']): AlertSettings {
  const others = Object.entries(given).filter(([, settings]) => {
    const { fromHub: _, ...plain } = settings
    return !Object.values(own.channels).some((one) => isDeepStrictEqual({ ...one }, plain))
  })
  return { ...own, channels: { ...own.channels, ...Object.fromEntries(others) } }
}

const GivenSchema = v.array(v.object({ name: v.string(), settings: v.record(v.string(), v.unknown()) }))

/** In the state folder: the service cannot write alerts.yaml. It holds secrets, as that does. */
export function givenChannelsPath(stateDir: string): string {
  return join(stateDir, 'hub-channels.json')
}

/** A damaged or missing file is none: the hub says it again. */
export async function readGiven(stateDir: string): Promise<readonly GivenChannel[]> {
  return (await readJsonFile(givenChannelsPath(stateDir), GivenSchema)) ?? []
}

/** @throws what writing throws. */
export async function keepGiven(stateDir: string, list: readonly GivenChannel[]): Promise<void> {
  const path = givenChannelsPath(stateDir)
  if (list.length === 0) await rm(path, { force: true })
  else await writeFileAtomic(path, `${JSON.stringify(list)}\n`)
}
